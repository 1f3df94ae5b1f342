"""A delivery that was given up has failed.

The rows that are `dead` are written once; then three indexes are made anew, each of which reads the table once.
"""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def to_failed(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("outgoing", "Delivery").unscoped.filter(state="dead").update(state="failed")


def to_dead(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("outgoing", "Delivery").unscoped.filter(state="failed").update(state="dead")


class Migration(migrations.Migration):
    dependencies = [
        ("outgoing", "0009_standard_names"),
    ]

    operations = [
        migrations.RunPython(to_failed, to_dead),
        migrations.AlterField(
            model_name="delivery",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "Waiting"),
                    ("sending", "Sending"),
                    ("delivered", "Delivered"),
                    ("held", "Held"),
                    ("skipped", "Skipped"),
                    ("failed", "Failed"),
                    ("cancelled", "Cancelled"),
                ],
                default="waiting",
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(
                    ("position__isnull", False), ("index_state__in", ("waiting", "held", "failed"))
                ),
                fields=["connection", "route", "order_key", "position"],
                name="deliveries_in_order",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("index_state__in", ("held", "failed", "waiting"))),
                fields=["index_state", "-id"],
                name="deliveries_stopped",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("index_state__in", ("held", "failed", "skipped", "cancelled"))),
                fields=["tenant", "index_state", "-id"],
                name="deliveries_astray",
            ),
        ),
    ]
