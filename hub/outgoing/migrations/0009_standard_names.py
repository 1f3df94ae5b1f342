"""The names of models and fields are the field's standard words: metadata only, no row is read or written.

Three indexes that know of given up deliveries go; the next migration makes them anew."""

from django.db import migrations, models
from django.db.migrations.operations.base import Operation

from hub.migrations._permissions import rename_permissions


def in_state(*operations: Operation) -> migrations.SeparateDatabaseAndState:
    """Change what Django knows of indexes and constraints: the database has renamed their columns by itself."""
    return migrations.SeparateDatabaseAndState(state_operations=list(operations))


class Migration(migrations.Migration):
    dependencies = [
        ("outgoing", "0008_deliveries_in_quota_queues"),
        ("connections", "0014_standard_names"),
        ("mappings", "0003_standard_names"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="delivery", name="deliveries_in_order"),
        migrations.RemoveIndex(model_name="delivery", name="deliveries_stopped"),
        migrations.RemoveIndex(model_name="delivery", name="deliveries_astray"),
        migrations.RenameModel(old_name="PumpPlace", new_name="PumpSlot"),
        rename_permissions("outgoing", {"pumpplace": "pumpslot"}),
        migrations.RenameField(model_name="route", old_name="connector", new_name="connector_key"),
        migrations.RenameField(
            model_name="delivery", old_name="outward_id", new_name="message_uuid"
        ),
        migrations.RenameField(model_name="delivery", old_name="replay", new_name="replay_number"),
        migrations.RenameField(model_name="delivery", old_name="stage", new_name="index_state"),
        migrations.RenameField(model_name="delivery", old_name="says", new_name="detail"),
        migrations.RenameField(
            model_name="delivery", old_name="attempts", new_name="attempt_count"
        ),
        migrations.RenameField(model_name="delivery", old_name="crashes", new_name="crash_count"),
        migrations.RenameField(
            model_name="delivery", old_name="unsure", new_name="possibly_delivered"
        ),
        migrations.RenameField(
            model_name="delivery", old_name="background", new_name="low_priority"
        ),
        migrations.RenameField(
            model_name="delivery", old_name="moved_at", new_name="state_changed_at"
        ),
        migrations.RenameField(model_name="attempt", old_name="says", new_name="detail"),
        migrations.AlterField(
            model_name="attempt",
            name="delivery",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=models.CASCADE,
                related_name="attempts",
                to="outgoing.delivery",
            ),
        ),
        in_state(
            migrations.RemoveIndex(model_name="delivery", name="deliveries_due"),
            migrations.RemoveIndex(model_name="delivery", name="deliveries_queued"),
            migrations.RemoveIndex(model_name="delivery", name="deliveries_expiring"),
            migrations.RemoveIndex(model_name="delivery", name="deliveries_suspect"),
            migrations.RemoveIndex(model_name="delivery", name="deliveries_unconnected"),
            migrations.RemoveConstraint(model_name="delivery", name="one_delivery_once"),
            migrations.RemoveConstraint(model_name="delivery", name="one_not_connected"),
            migrations.AddIndex(
                model_name="delivery",
                index=models.Index(
                    condition=models.Q(("index_state", "waiting")),
                    fields=["connection", "quota_queue", "due_at", "id"],
                    name="deliveries_due",
                ),
            ),
            migrations.AddIndex(
                model_name="delivery",
                index=models.Index(
                    condition=models.Q(("quota_queue__gt", 0), ("index_state", "waiting")),
                    fields=["quota_queue", "id"],
                    name="deliveries_queued",
                ),
            ),
            migrations.AddIndex(
                model_name="delivery",
                index=models.Index(
                    condition=models.Q(
                        ("expires_at__isnull", False), ("index_state__in", ("waiting", "held"))
                    ),
                    fields=["expires_at"],
                    name="deliveries_expiring",
                ),
            ),
            migrations.AddIndex(
                model_name="delivery",
                index=models.Index(
                    condition=models.Q(("crash_count__gt", 1), ("index_state", "waiting")),
                    fields=["due_at"],
                    name="deliveries_suspect",
                ),
            ),
            migrations.AddIndex(
                model_name="delivery",
                index=models.Index(
                    condition=models.Q(("connection", None), ("index_state", "held")),
                    fields=["route"],
                    name="deliveries_unconnected",
                ),
            ),
            migrations.AddConstraint(
                model_name="delivery",
                constraint=models.UniqueConstraint(
                    fields=("event", "route", "connection", "replay_number"),
                    name="one_delivery_once",
                ),
            ),
            migrations.AddConstraint(
                model_name="delivery",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("connection", None)),
                    fields=("event", "route", "replay_number"),
                    name="one_not_connected",
                ),
            ),
        ),
    ]
