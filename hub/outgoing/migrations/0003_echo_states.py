"""The state of a record that an echo told: another one at that time is another's change."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("outgoing", "0002_loop_slots")]

    operations = [
        migrations.AddField(
            model_name="rememberedwrite",
            name="echo_state",
            field=models.CharField(blank=True, db_default="", default="", max_length=32),
        ),
    ]
