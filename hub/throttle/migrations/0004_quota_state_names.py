"""The columns of a quota's usage are named by what they count: metadata only."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("throttle", "0003_standard_names"),
    ]

    operations = [
        migrations.RenameField(model_name="quotastate", old_name="used", new_name="used_units"),
        migrations.RenameField(model_name="quotastate", old_name="spent", new_name="usage_buckets"),
        migrations.RenameField(
            model_name="quotastate", old_name="allowed", new_name="reported_limit"
        ),
        migrations.RenameField(model_name="quotastate", old_name="probing", new_name="is_probing"),
    ]
