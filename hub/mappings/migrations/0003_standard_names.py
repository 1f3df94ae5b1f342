"""The names of fields are the field's standard words; an identity says when it was made and when it was changed."""

import django.utils.timezone
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def take_created_at(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Until now a change overwrote `created_at`: it is the best that is known of both."""
    apps.get_model("mappings", "Identity").unscoped.update(updated_at=models.F("created_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("mappings", "0002_identity_name"),
    ]

    operations = [
        migrations.RenameField(
            model_name="fieldmapping", old_name="connector", new_name="connector_key"
        ),
        migrations.AddField(
            model_name="identity",
            name="updated_at",
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
        migrations.RunPython(take_created_at, migrations.RunPython.noop),
    ]
