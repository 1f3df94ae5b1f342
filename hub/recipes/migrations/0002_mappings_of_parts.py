"""A mapping that an integration made is not deleted alone. The database is not changed by this."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recipes", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="integrationpart",
            name="mapping",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="integration_parts",
                to="mappings.fieldmapping",
            ),
        ),
    ]
