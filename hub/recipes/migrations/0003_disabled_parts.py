"""Parts that a person had disabled before their integration was paused."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recipes", "0002_mappings_of_parts")]

    operations = [
        migrations.AddField(
            model_name="integrationpart",
            name="was_disabled",
            field=models.BooleanField(default=False),
        ),
    ]
