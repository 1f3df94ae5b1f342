"""The names of models and fields are the field's standard words: metadata only."""

from django.db import migrations, models

from hub.migrations._permissions import rename_permissions


class Migration(migrations.Migration):
    dependencies = [
        ("throttle", "0002_in_flight_and_rolling_budgets"),
        ("hub", "0010_standard_names"),
    ]

    operations = [
        migrations.RenameModel(old_name="Scope", new_name="QuotaState"),
        migrations.RenameModel(old_name="Holder", new_name="InFlightLease"),
        rename_permissions("throttle", {"scope": "quotastate", "holder": "inflightlease"}),
        migrations.RenameField(
            model_name="quotastate", old_name="connector", new_name="connector_key"
        ),
        migrations.RenameField(
            model_name="quotastate", old_name="background_at", new_name="low_priority_free_at"
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveIndex(model_name="quotastate", name="scope_by_connector"),
                migrations.AddIndex(
                    model_name="quotastate",
                    index=models.Index(fields=["connector_key", "kind"], name="scope_by_connector"),
                ),
            ]
        ),
    ]
