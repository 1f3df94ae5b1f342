import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models

import hub.db.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("connections", "0001_initial"),
        ("outgoing", "0001_initial"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="RunLoopLease",
            fields=[
                ("lease", models.UUIDField(primary_key=True, serialize=False)),
                ("lease_until", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Job",
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
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("reconcile", "Reconciliation"),
                            ("report", "Report"),
                            ("ship", "Log shipping"),
                            ("sync", "Sync"),
                        ],
                        max_length=12,
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("connector_key", models.CharField(max_length=40)),
                ("cron", models.CharField(max_length=100)),
                ("window_minutes", models.PositiveIntegerField(default=240)),
                ("deadline_minutes", models.PositiveIntegerField(default=360)),
                ("concurrency_group", models.CharField(blank=True, max_length=60)),
                ("options", models.JSONField(default=dict)),
                ("is_enabled", models.BooleanField(default=True)),
                (
                    "catch_up",
                    models.CharField(
                        choices=[("run_late", "Run late"), ("skip", "Skip")],
                        default="run_late",
                        max_length=10,
                    ),
                ),
                ("priority", models.SmallIntegerField(default=0)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="jobs",
                        to="connections.connection",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="jobs",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="JobSchedule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("time_zone", models.CharField(max_length=60)),
                ("last_slot_at", models.DateTimeField()),
                ("next_slot_at", models.DateTimeField(null=True)),
                ("is_excluded", models.BooleanField(default=False)),
                ("priority", models.SmallIntegerField(default=0)),
                ("cursor", models.JSONField(default=dict)),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="schedules",
                        to="scheduled.job",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="job_schedules",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Log",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("api", "Sent to the API"),
                            ("collection", "Read from our application"),
                            ("audit", "Audit log of the hub"),
                        ],
                        default="api",
                        max_length=20,
                    ),
                ),
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
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="LogChunk",
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
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("api", "Sent to the API"),
                            ("collection", "Read from our application"),
                            ("audit", "Audit log of the hub"),
                        ],
                        max_length=20,
                    ),
                ),
                ("idempotency_key", models.CharField(max_length=255)),
                ("digest", models.CharField(max_length=64)),
                ("first_line", models.PositiveBigIntegerField()),
                ("line_count", models.PositiveIntegerField()),
                ("size", models.PositiveIntegerField()),
                ("body", models.BinaryField()),
                ("received_at", models.DateTimeField()),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="log_chunks",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Run",
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
                ("slot_at", models.DateTimeField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("blocked", "Blocked"),
                            ("finished", "Finished"),
                            ("failed", "Failed"),
                            ("skipped", "Skipped"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=40)),
                ("detail", models.CharField(blank=True, max_length=500)),
                (
                    "blocking_system",
                    models.CharField(blank=True, db_default="", default="", max_length=40),
                ),
                ("is_dry", models.BooleanField(default=False)),
                ("requested_by", models.CharField(blank=True, max_length=200)),
                ("due_at", models.DateTimeField()),
                ("window_ends_at", models.DateTimeField()),
                ("deadline_at", models.DateTimeField()),
                ("deadline_missed_at", models.DateTimeField(null=True)),
                ("lease", models.UUIDField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("attempt_count", models.PositiveSmallIntegerField(default=0)),
                ("cancel_requested_at", models.DateTimeField(null=True)),
                ("cursor", models.JSONField(default=dict)),
                ("done_count", models.PositiveBigIntegerField(default=0)),
                ("expected_count", models.PositiveBigIntegerField(null=True)),
                ("expected_seconds", models.PositiveIntegerField(null=True)),
                ("expected_calls", models.JSONField(default=dict)),
                ("seconds_between_calls", models.FloatField(null=True)),
                ("calls", models.JSONField(default=dict)),
                ("result", models.JSONField(default=dict)),
                ("started_at", models.DateTimeField(null=True)),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                (
                    "blocking_connection",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="connections.connection",
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="runs",
                        to="scheduled.job",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="runs",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="LogPosition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("first_line", models.PositiveBigIntegerField(default=0)),
                ("shipped_line", models.PositiveBigIntegerField(default=0)),
                ("dropped_count", models.PositiveBigIntegerField(default=0)),
                ("rejected_count", models.PositiveBigIntegerField(default=0)),
                ("shipped_at", models.DateTimeField(null=True)),
                ("batches", models.JSONField(default=list)),
                (
                    "job",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="log_positions",
                        to="scheduled.job",
                    ),
                ),
                (
                    "log",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="positions",
                        to="scheduled.log",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="log_positions",
                        to="tenants.tenant",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="scheduled.run",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Discrepancy",
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
                ("record_key", models.CharField(max_length=200)),
                ("field", models.CharField(blank=True, max_length=80)),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("missing_here", "Missing here"),
                            ("missing_there", "Missing there"),
                            ("differs", "Differs"),
                            ("ambiguous", "Ambiguous"),
                            ("unmapped", "Unmapped"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("new", "New"),
                            ("open", "Still there"),
                            ("repairing", "Being repaired"),
                            ("resolved", "Resolved"),
                            ("ignored", "Ignored"),
                        ],
                        default="new",
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=40)),
                ("detail", models.CharField(blank=True, max_length=500)),
                ("owner", models.CharField(blank=True, max_length=12)),
                ("local_id", models.CharField(blank=True, max_length=200)),
                ("remote_id", models.CharField(blank=True, max_length=200)),
                ("local_value", models.JSONField(null=True)),
                ("remote_value", models.JSONField(null=True)),
                ("local_version", models.CharField(blank=True, max_length=200)),
                ("remote_version", models.CharField(blank=True, max_length=200)),
                ("local_changed_at", models.DateTimeField(null=True)),
                ("remote_changed_at", models.DateTimeField(null=True)),
                ("found_by_runs", models.CharField(blank=True, db_default="", max_length=220)),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("resolved_at", models.DateTimeField(null=True)),
                ("ignored_reason", models.CharField(blank=True, max_length=300)),
                ("ignored_digest", models.CharField(blank=True, max_length=64)),
                ("repair_side", models.CharField(blank=True, max_length=6)),
                ("repair_requested_at", models.DateTimeField(null=True)),
                ("read_again_at", models.DateTimeField(null=True)),
                ("replaced_value", models.JSONField(null=True)),
                ("repaired_at", models.DateTimeField(null=True)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="discrepancies",
                        to="connections.connection",
                    ),
                ),
                (
                    "repair_delivery",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="outgoing.delivery",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="discrepancies",
                        to="tenants.tenant",
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="discrepancies",
                        to="scheduled.job",
                    ),
                ),
                (
                    "first_run",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="scheduled.run",
                    ),
                ),
                (
                    "last_run",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="scheduled.run",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "discrepancies",
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="RunLogEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("level", models.CharField(max_length=8)),
                ("kind", models.CharField(max_length=40)),
                ("parameters", models.JSONField(default=dict)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="log",
                        to="scheduled.run",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "run log entries",
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="StagedRecord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_local", models.BooleanField()),
                ("round", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("key", models.BinaryField(max_length=800)),
                ("body", models.BinaryField()),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="scheduled.run",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["tenant", "-id"], name="jobs_of_tenant"),
        ),
        migrations.AddIndex(
            model_name="jobschedule",
            index=models.Index(
                condition=models.Q(("next_slot_at__isnull", False)),
                fields=["next_slot_at"],
                name="job_schedules_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="jobschedule",
            constraint=models.UniqueConstraint(
                fields=("job", "tenant"), name="one_schedule_per_tenant"
            ),
        ),
        migrations.AddConstraint(
            model_name="log",
            constraint=models.UniqueConstraint(
                fields=("tenant", "source"), name="one_log_per_source"
            ),
        ),
        migrations.AddIndex(
            model_name="logchunk",
            index=models.Index(fields=["received_at"], name="log_chunks_by_age"),
        ),
        migrations.AddConstraint(
            model_name="logchunk",
            constraint=models.UniqueConstraint(
                fields=("tenant", "source", "idempotency_key"), name="one_chunk_per_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="logchunk",
            constraint=models.UniqueConstraint(
                fields=("tenant", "source", "first_line"), name="one_chunk_per_line"
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("state__in", ("waiting", "running", "blocked"))),
                fields=["due_at"],
                name="runs_open",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("state__in", ("waiting", "running", "blocked"))),
                fields=["job", "tenant"],
                name="runs_open_of_pair",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["tenant", "-id"], name="runs_of_tenant"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["job", "-id"], name="runs_of_job"),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                fields=("job", "tenant", "slot_at"), name="one_run_per_slot"
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "running")),
                fields=("job", "tenant"),
                name="one_run_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="logposition",
            constraint=models.UniqueConstraint(fields=("log", "job"), name="one_position_per_job"),
        ),
        migrations.AddIndex(
            model_name="discrepancy",
            index=models.Index(fields=["tenant", "-id"], name="discrepancies_of_tenant"),
        ),
        migrations.AddIndex(
            model_name="discrepancy",
            index=models.Index(
                condition=models.Q(("state", "resolved"), _negated=True),
                fields=["job", "tenant", "verdict", "field"],
                name="discrepancies_open",
            ),
        ),
        migrations.AddIndex(
            model_name="discrepancy",
            index=models.Index(
                condition=models.Q(("state", "repairing")),
                fields=["repair_delivery"],
                name="discrepancies_repairing",
            ),
        ),
        migrations.AddConstraint(
            model_name="discrepancy",
            constraint=models.UniqueConstraint(
                fields=("job", "tenant", "record_key", "field"), name="one_discrepancy"
            ),
        ),
        migrations.AddIndex(
            model_name="stagedrecord",
            index=models.Index(fields=["run", "is_local", "key"], name="staged_records_sorted"),
        ),
    ]
