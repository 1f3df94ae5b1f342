import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import hub.db.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("connections", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="DriftFinding",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.UUIDField(default=hub.db.ids.uuid7, editable=False, unique=True),
                ),
                ("object_key", models.CharField(max_length=120)),
                ("object_label", models.CharField(max_length=200)),
                ("field_key", models.CharField(max_length=200)),
                ("field_label", models.CharField(max_length=200)),
                (
                    "change",
                    models.CharField(
                        choices=[
                            ("renamed", "Renamed"),
                            ("removed", "Removed"),
                            ("retyped", "Type changed"),
                            ("newly_required", "Newly required"),
                            ("picklist_value_gone", "Value removed"),
                            ("object_removed", "Object removed"),
                        ],
                        max_length=20,
                    ),
                ),
                ("before", models.CharField(blank=True, max_length=255)),
                ("after", models.CharField(blank=True, max_length=255)),
                ("breaks", models.JSONField(default=list)),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("noticed_at", models.DateTimeField(null=True)),
                ("resolved_at", models.DateTimeField(null=True)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drift_findings",
                        to="connections.connection",
                    ),
                ),
            ],
            options={
                "verbose_name": "finding of schema drift",
                "verbose_name_plural": "schema drift",
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
                "indexes": [
                    models.Index(
                        condition=models.Q(("resolved_at", None)),
                        fields=["connection", "-id"],
                        name="drift_findings_open",
                    ),
                    models.Index(fields=["connection", "-id"], name="drift_findings_all"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("resolved_at", None)),
                        fields=("connection", "object_key", "field_key", "change", "before"),
                        name="one_open_drift_finding",
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="DriftSchedule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("check_at", models.DateTimeField()),
                ("planned_at", models.DateTimeField(null=True)),
                ("checked_at", models.DateTimeField(null=True)),
                ("failure_count", models.PositiveSmallIntegerField(default=0)),
                ("failure", models.CharField(blank=True, max_length=60)),
                ("failure_detail", models.CharField(blank=True, max_length=300)),
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drift_schedule",
                        to="connections.connection",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
                "indexes": [models.Index(fields=["check_at"], name="drift_checks_due")],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="SchemaBaseline",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("object_key", models.CharField(max_length=120)),
                ("label", models.CharField(max_length=200)),
                ("fields", models.JSONField()),
                ("compared_at", models.DateTimeField()),
                ("failed_at", models.DateTimeField(null=True)),
                ("failure", models.CharField(blank=True, max_length=60)),
                ("failure_detail", models.CharField(blank=True, max_length=300)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="schema_baselines",
                        to="connections.connection",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("connection", "object_key"), name="one_schema_baseline"
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
    ]
