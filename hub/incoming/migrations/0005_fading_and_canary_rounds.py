"""Which sources have far fewer events, and what the canaries of the last day gave."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("incoming", "0004_inboundgap_read_until")]

    operations = [
        migrations.AddField(
            model_name="sourcerhythm",
            name="is_fading",
            field=models.BooleanField(default=False),
        ),
        migrations.AddIndex(
            model_name="sourcerhythm",
            index=models.Index(
                condition=models.Q(("is_fading", True)), fields=["source"], name="rhythms_fading"
            ),
        ),
        migrations.AddField(
            model_name="sourcecanary",
            name="made_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="sourcecanary",
            name="former_record",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="sourcecanary",
            name="rounds",
            field=models.JSONField(default=list),
        ),
    ]
