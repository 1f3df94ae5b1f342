import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import hub.db.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Operation",
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
                ("kind", models.CharField(max_length=20)),
                ("filter", models.JSONField(default=dict)),
                ("includes_platform", models.BooleanField(db_default=False, default=False)),
                ("reason", models.CharField(max_length=300)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("planned", "Planned"),
                            ("running", "Running"),
                            ("finished", "Finished"),
                            ("cancelled", "Cancelled"),
                            ("failed", "Failed"),
                        ],
                        default="planned",
                        max_length=10,
                    ),
                ),
                ("detail", models.CharField(blank=True, max_length=300)),
                ("plan", models.JSONField(default=dict)),
                ("count", models.PositiveIntegerField()),
                ("more", models.BooleanField(default=False)),
                ("cursor", models.BigIntegerField(default=0)),
                ("last", models.BigIntegerField(default=0)),
                ("processed_count", models.PositiveIntegerField(default=0)),
                ("excluded_count", models.PositiveIntegerField(default=0)),
                ("actor_kind", models.CharField(max_length=20)),
                ("actor_id", models.CharField(max_length=100)),
                ("actor_label", models.CharField(max_length=200)),
                ("planned_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="operations",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
                "indexes": [
                    models.Index(
                        fields=["actor_kind", "actor_id", "-planned_at"],
                        name="operations_of_an_actor",
                    ),
                    models.Index(
                        condition=models.Q(("state", "running")),
                        fields=["heartbeat_at"],
                        name="operations_running",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
    ]
