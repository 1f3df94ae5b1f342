"""Separate the numbering of a log from its positions, of which each job gets its own."""

import django.db.models.deletion
import django.db.models.manager
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

NUMBERING = ("source", "next_line", "received_at", "read_cursor")
BATCH = 500
SOURCES = [
    ("api", "Sent to the API"),
    ("collection", "Read from our application"),
    ("audit", "Audit log of the hub"),
]


def create_logs(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Create the log of each position. The first job that ships it takes the position."""
    Log, LogPosition = (apps.get_model("scheduled", name) for name in ("Log", "LogPosition"))
    for position in LogPosition._base_manager.order_by("pk").iterator(chunk_size=BATCH):
        numbering = {name: getattr(position, name) for name in NUMBERING}
        log = Log._base_manager.create(tenant_id=position.tenant_id, **numbering)
        LogPosition._base_manager.filter(pk=position.pk).update(log=log)


def keep_one_position(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Keep the position of each log that is furthest behind, so that no line is lost."""
    Log, LogPosition = (apps.get_model("scheduled", name) for name in ("Log", "LogPosition"))
    for log in Log._base_manager.order_by("pk").iterator(chunk_size=BATCH):
        positions = LogPosition._base_manager.filter(log=log)
        kept = positions.order_by("shipped_line", "pk").first()
        if kept is not None:
            positions.exclude(pk=kept.pk).delete()
            positions.update(**{name: getattr(log, name) for name in NUMBERING})


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0001_initial"),
        ("scheduled", "0003_run_seconds_between_calls"),
    ]

    operations = [
        migrations.CreateModel(
            name="Log",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(choices=SOURCES, default="api", max_length=20)),
                ("next_line", models.PositiveBigIntegerField(default=0)),
                ("received_at", models.DateTimeField(null=True)),
                ("read_cursor", models.JSONField(default=dict)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="logs",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
            },
            managers=[("unscoped", django.db.models.manager.Manager())],
        ),
        migrations.AddConstraint(
            model_name="log",
            constraint=models.UniqueConstraint(
                fields=("tenant", "source"), name="one_log_per_source"
            ),
        ),
        migrations.RemoveConstraint(model_name="logposition", name="one_position_per_log"),
        migrations.AddField(
            model_name="logposition",
            name="log",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="positions",
                to="scheduled.log",
            ),
        ),
        migrations.AddField(
            model_name="logposition",
            name="job",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="log_positions",
                to="scheduled.job",
            ),
        ),
        migrations.AddField(
            model_name="logposition",
            name="first_line",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.RunPython(create_logs, keep_one_position),
    ]
