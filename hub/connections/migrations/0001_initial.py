import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import hub.connections.models.connections
import hub.crypto.sealed
import hub.db.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("tenants", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Connection",
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
                    "connector_key",
                    models.CharField(
                        max_length=40,
                        validators=[hub.connections.models.connections.validate_connector_key],
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                (
                    "account",
                    models.CharField(
                        blank=True, help_text="Its id in the external system.", max_length=200
                    ),
                ),
                ("account_name", models.CharField(blank=True, max_length=200)),
                ("account_since", models.DateTimeField(blank=True, editable=False, null=True)),
                ("settings", models.JSONField(blank=True, default=dict)),
                ("permissions", models.JSONField(editable=False, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("healthy", "Healthy"),
                            ("degraded", "Degraded"),
                            ("needs_reconnect", "needs reconnect"),
                            ("paused", "Paused"),
                            ("silent", "Silent"),
                            ("disabled", "Disabled"),
                        ],
                        default="healthy",
                        editable=False,
                        max_length=20,
                    ),
                ),
                ("reason", models.CharField(blank=True, editable=False, max_length=60)),
                ("detail", models.CharField(blank=True, editable=False, max_length=500)),
                (
                    "state_changed_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("paused_until", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "keeps_events",
                    models.BooleanField(db_default=True, default=True, editable=False),
                ),
                (
                    "ended_reason",
                    models.CharField(
                        blank=True, db_default="", default="", editable=False, max_length=60
                    ),
                ),
                (
                    "ended_detail",
                    models.CharField(
                        blank=True, db_default="", default="", editable=False, max_length=500
                    ),
                ),
                (
                    "changed_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("checked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("check_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "checks_failed",
                    models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "connected_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="connections",
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
            name="ConnectorApp",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "connector_key",
                    models.CharField(
                        max_length=40,
                        unique=True,
                        validators=[hub.connections.models.connections.validate_connector_key],
                    ),
                ),
                (
                    "urls",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Base URLs that differ from the connector's own.",
                    ),
                ),
                (
                    "hosts",
                    models.JSONField(
                        blank=True, default=list, help_text="Host patterns that an answer may name."
                    ),
                ),
                ("sealed", hub.crypto.sealed.SealedField(editable=False, null=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            name="Disconnection",
            fields=[
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="disconnection",
                        serialize=False,
                        to="connections.connection",
                    ),
                ),
                (
                    "public_id",
                    models.UUIDField(default=hub.db.ids.uuid7, editable=False, unique=True),
                ),
                ("sealed", hub.crypto.sealed.SealedField(editable=False)),
                ("version", models.PositiveIntegerField()),
                ("account", models.CharField(blank=True, max_length=200)),
                ("token_lifetimes", models.JSONField(default=dict)),
                ("expires_at", models.DateTimeField(null=True)),
                ("refresh_due_at", models.DateTimeField(null=True)),
                ("grant_expires_at", models.DateTimeField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("healthy", "Healthy"),
                            ("degraded", "Degraded"),
                            ("needs_reconnect", "needs reconnect"),
                            ("paused", "Paused"),
                            ("silent", "Silent"),
                            ("disabled", "Disabled"),
                        ],
                        max_length=20,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=60)),
                ("detail", models.CharField(blank=True, max_length=500)),
                ("paused_until", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                ("revoke_at", models.DateTimeField(db_index=True)),
                ("claimed_until", models.DateTimeField(null=True)),
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
            name="ConnectLink",
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
                    "connector_key",
                    models.CharField(
                        max_length=40,
                        validators=[hub.connections.models.connections.validate_connector_key],
                    ),
                ),
                (
                    "environment",
                    models.CharField(blank=True, db_default="", default="", max_length=20),
                ),
                (
                    "login_host",
                    models.CharField(blank=True, db_default="", default="", max_length=100),
                ),
                (
                    "maker",
                    models.CharField(
                        help_text="The name of the requester that the page shows.", max_length=200
                    ),
                ),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("browser", models.CharField(blank=True, max_length=64)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("opened_at", models.DateTimeField(null=True)),
                ("used_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "connection",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="connect_links",
                        to="connections.connection",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="connect_links",
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
            name="Authorization",
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
                    "connector_key",
                    models.CharField(
                        max_length=40,
                        validators=[hub.connections.models.connections.validate_connector_key],
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("guest", models.CharField(blank=True, max_length=100)),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("browser", models.CharField(max_length=64)),
                ("redirect_uri", models.CharField(max_length=500)),
                ("return_to", models.CharField(max_length=500)),
                ("sealed", hub.crypto.sealed.SealedField(editable=False, null=True)),
                ("account", models.CharField(blank=True, max_length=200)),
                ("account_name", models.CharField(blank=True, max_length=200)),
                ("environment", models.CharField(blank=True, max_length=20)),
                (
                    "login_host",
                    models.CharField(blank=True, db_default="", default="", max_length=100),
                ),
                ("permissions", models.JSONField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("begun", "Begun"),
                            ("received", "Received"),
                            ("granted", "Granted"),
                            ("confirmed", "Confirmed"),
                            ("cancelled", "Cancelled"),
                            ("failed", "Failed"),
                        ],
                        default="begun",
                        editable=False,
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=60)),
                ("detail", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="authorizations",
                        to="tenants.tenant",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="authorizations",
                        to="connections.connection",
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="connections.connectlink",
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
            name="ConnectorRequest",
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
                ("system", models.CharField(max_length=60)),
                ("name", models.CharField(max_length=60)),
                ("asker", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField()),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="connector_requests",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "request for a system",
                "verbose_name_plural": "requests for systems",
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="CredentialEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=20)),
                ("at", models.DateTimeField()),
                ("detail", models.CharField(blank=True, max_length=300)),
                ("version", models.PositiveIntegerField()),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="credential_events",
                        to="connections.connection",
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
            name="MaintenanceWindow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "connector_key",
                    models.CharField(
                        max_length=40,
                        validators=[hub.connections.models.connections.validate_connector_key],
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("reason", models.CharField(max_length=300)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: every connection of the system.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="connections.connection",
                    ),
                ),
                (
                    "declared_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to=settings.AUTH_USER_MODEL,
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
            name="QuotaQueue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("low_priority", models.BooleanField(default=False)),
                ("digest", models.CharField(max_length=64)),
                ("scopes", models.JSONField(default=list)),
                ("closed", models.JSONField(default=list)),
                ("opens_at", models.DateTimeField()),
                ("width", models.PositiveIntegerField(default=1)),
                (
                    "connection",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="quota_queues",
                        to="connections.connection",
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
            name="Revocation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "connector_key",
                    models.CharField(
                        max_length=40,
                        validators=[hub.connections.models.connections.validate_connector_key],
                    ),
                ),
                ("account", models.CharField(blank=True, max_length=200)),
                (
                    "public_id",
                    models.UUIDField(default=hub.db.ids.uuid7, editable=False, unique=True),
                ),
                ("sealed", hub.crypto.sealed.SealedField(editable=False)),
                ("attempt_count", models.PositiveSmallIntegerField(default=0)),
                ("due_at", models.DateTimeField(db_index=True)),
                ("created_at", models.DateTimeField()),
                (
                    "connection",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="revocations",
                        to="connections.connection",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="revocations",
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
            name="Credential",
            fields=[
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="connections.connection",
                    ),
                ),
                ("sealed", hub.crypto.sealed.SealedField(editable=False)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "token_lifetimes",
                    models.JSONField(
                        db_default=models.Value({}, models.JSONField()),
                        default=dict,
                        editable=False,
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("grant_expires_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("refresh_due_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("rejected_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("refresh_started_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "refresh_lease_until",
                    models.DateTimeField(blank=True, editable=False, null=True),
                ),
                (
                    "refresh_outcome_unknown_since",
                    models.DateTimeField(blank=True, editable=False, null=True),
                ),
                (
                    "refresh_failures",
                    models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
                ),
                (
                    "refusals",
                    models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
                "indexes": [
                    models.Index(
                        condition=models.Q(("refresh_due_at__isnull", False)),
                        fields=["refresh_due_at"],
                        name="credentials_to_refresh",
                    ),
                    models.Index(
                        condition=models.Q(("expires_at__isnull", False)),
                        fields=["expires_at"],
                        name="credentials_by_expiry",
                    ),
                    models.Index(
                        condition=models.Q(("refusals__gt", 0)),
                        fields=["updated_at"],
                        name="credentials_refused_again",
                    ),
                    models.Index(
                        condition=models.Q(("grant_expires_at__isnull", False)),
                        fields=["grant_expires_at"],
                        name="credentials_by_end",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Lane",
            fields=[
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="connections.connection",
                    ),
                ),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("virtual_time", models.DateTimeField(default=django.utils.timezone.now)),
                ("hold_reason", models.CharField(blank=True, max_length=40)),
                ("lease", models.UUIDField(blank=True, null=True)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("in_flight", models.PositiveSmallIntegerField(default=4)),
                (
                    "switched_off_by",
                    models.CharField(blank=True, db_default="", default="", max_length=12),
                ),
                ("position", models.BigIntegerField(db_default=0, default=0)),
                ("success_score", models.FloatField(db_default=0, default=0)),
                ("failure_score", models.FloatField(db_default=0, default=0)),
                ("scored_at", models.DateTimeField(blank=True, null=True)),
                ("breaker_trips", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("open_until", models.DateTimeField(blank=True, null=True)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("failed_calls", models.PositiveSmallIntegerField(db_default=0, default=0)),
            ],
            options={
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["virtual_time"],
                        name="lanes_by_turn",
                    ),
                    models.Index(
                        condition=models.Q(("failing_since__isnull", False)),
                        fields=["failing_since"],
                        name="lanes_failing",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddIndex(
            model_name="connection",
            index=models.Index(fields=["connector_key", "state"], name="connection_by_state"),
        ),
        migrations.AddIndex(
            model_name="connection",
            index=models.Index(fields=["check_at"], name="connections_to_check"),
        ),
        migrations.AddConstraint(
            model_name="connection",
            constraint=models.UniqueConstraint(
                condition=models.Q(("account", ""), _negated=True),
                fields=("tenant", "connector_key", "account"),
                name="one_per_account",
            ),
        ),
        migrations.AddIndex(
            model_name="authorization",
            index=models.Index(
                condition=models.Q(("state__in", ("begun", "received", "granted"))),
                fields=["expires_at"],
                name="authorizations_under_way",
            ),
        ),
        migrations.AddIndex(
            model_name="connectorrequest",
            index=models.Index(fields=["system"], name="wishes_by_system"),
        ),
        migrations.AddConstraint(
            model_name="connectorrequest",
            constraint=models.UniqueConstraint(
                fields=("tenant", "system"), name="one_wish_a_system"
            ),
        ),
        migrations.AddIndex(
            model_name="credentialevent",
            index=models.Index(fields=["connection", "-id"], name="life_of_a_credential"),
        ),
        migrations.AddIndex(
            model_name="maintenancewindow",
            index=models.Index(fields=["ends_at"], name="windows_by_end"),
        ),
        migrations.AddConstraint(
            model_name="maintenancewindow",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                name="window_ends_after_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="quotaqueue",
            constraint=models.UniqueConstraint(
                fields=("connection", "low_priority", "digest"), name="one_queue_per_scopes"
            ),
        ),
    ]
