"""The names of fields are the field's standard words; filters and plans that are stored say them too."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def rename(apps: Apps, state: tuple[str, str], key: tuple[str, str]) -> None:
    """Each is a pair: as it was called, as it is called."""
    for operation in apps.get_model("operations", "Operation").unscoped.iterator():
        if operation.filter.get("state") == state[0]:
            operation.filter["state"] = state[1]
        if key[0] in operation.plan:
            operation.plan[key[1]] = operation.plan.pop(key[0])
        operation.save(update_fields=["filter", "plan"])


def forwards(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    rename(apps, ("dead", "failed"), ("unsure", "possibly_delivered"))


def backwards(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    rename(apps, ("failed", "dead"), ("possibly_delivered", "unsure"))


class Migration(migrations.Migration):
    dependencies = [
        ("operations", "0002_rows_of_the_platform"),
    ]

    operations = [
        migrations.RenameField(model_name="operation", old_name="says", new_name="detail"),
        migrations.RenameField(model_name="operation", old_name="done", new_name="processed_count"),
        migrations.RenameField(
            model_name="operation", old_name="left_out", new_name="excluded_count"
        ),
        migrations.RenameField(
            model_name="operation", old_name="alive_at", new_name="heartbeat_at"
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveIndex(model_name="operation", name="operations_running"),
                migrations.AddIndex(
                    model_name="operation",
                    index=models.Index(
                        condition=models.Q(("state", "running")),
                        fields=["heartbeat_at"],
                        name="operations_running",
                    ),
                ),
            ]
        ),
        migrations.RunPython(forwards, backwards),
    ]
