import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models

import hub.connections.models.connections
import hub.crypto.sealed
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
            name="InboundBody",
            fields=[
                ("message_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("body", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="InboxLease",
            fields=[
                ("lease", models.UUIDField(primary_key=True, serialize=False)),
                ("lease_until", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="WebhookAddress",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_url", models.CharField(max_length=500)),
                ("changed_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="InboundEndpoint",
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
                ("key_digest", models.CharField(editable=False, max_length=64, unique=True)),
                (
                    "previous_key_digest",
                    models.CharField(
                        blank=True, editable=False, max_length=64, null=True, unique=True
                    ),
                ),
                ("previous_key_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("sealed", hub.crypto.sealed.SealedField(editable=False)),
                ("allowed_sources", models.JSONField(blank=True, default=list)),
                ("last_item_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("next_check_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("registration_lease", models.UUIDField(editable=False, null=True)),
                ("registration_lease_until", models.DateTimeField(editable=False, null=True)),
                ("check_progress", hub.crypto.sealed.SealedField(editable=False, null=True)),
                ("planned_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "connection",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="inbound_endpoint",
                        to="connections.connection",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
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
            name="InboundCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("minute", models.DateTimeField()),
                ("cause", models.CharField(max_length=40)),
                ("count", models.PositiveIntegerField(default=0)),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="counts",
                        to="incoming.inboundendpoint",
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
            name="InboundMessage",
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
                ("connector_key", models.CharField(max_length=40)),
                ("message_key", models.CharField(max_length=200)),
                ("share_key", models.CharField(blank=True, max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[("accepted", "Accepted"), ("rejected", "Rejected")],
                        default="accepted",
                        max_length=10,
                    ),
                ),
                ("cause", models.CharField(blank=True, max_length=40)),
                ("detail", models.CharField(blank=True, max_length=500)),
                ("method", models.CharField(default="POST", max_length=8)),
                ("query", models.CharField(blank=True, max_length=2000)),
                ("headers", models.JSONField(default=dict)),
                ("sealed", hub.crypto.sealed.SealedField(editable=False, null=True)),
                ("reply_count", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("size", models.PositiveIntegerField(default=0)),
                ("received_at", models.DateTimeField()),
                ("due_at", models.DateTimeField(null=True)),
                ("attempt_count", models.PositiveSmallIntegerField(default=0)),
                ("lease", models.UUIDField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("processed_at", models.DateTimeField(null=True)),
                (
                    "connection",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="connections.connection",
                    ),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="incoming.inboundendpoint",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
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
            name="InboundItem",
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
                ("connector_key", models.CharField(max_length=40)),
                ("account", models.CharField(blank=True, max_length=200)),
                ("item_key", models.CharField(max_length=200)),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("type", models.CharField(max_length=120)),
                ("record", models.CharField(blank=True, max_length=200)),
                ("author", models.CharField(blank=True, max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("received", "Received"),
                            ("held", "Held"),
                            ("processed", "Processed"),
                            ("duplicate", "Duplicate"),
                            ("echo", "Echo"),
                            ("unmatched", "Unmatched"),
                            ("quarantined", "Quarantined"),
                            ("skipped", "Skipped"),
                        ],
                        default="received",
                        max_length=12,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=40)),
                ("detail", models.CharField(blank=True, max_length=500)),
                ("attempt_count", models.PositiveSmallIntegerField(default=0)),
                ("replay_number", models.PositiveSmallIntegerField(default=0)),
                ("occurred_at", models.DateTimeField(null=True)),
                ("received_at", models.DateTimeField()),
                ("state_changed_at", models.DateTimeField()),
                (
                    "connection",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="inbound_items",
                        to="connections.connection",
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="inbound_items",
                        to="outgoing.event",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="tenants.tenant",
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="incoming.inboundmessage",
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
            name="WebhookSubscription",
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
                ("key", models.CharField(max_length=120)),
                ("event_types", models.JSONField(default=list)),
                ("is_wanted", models.BooleanField(default=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("wanted", "Wanted"),
                            ("verified", "Verified"),
                            ("unconfirmed", "Unconfirmed"),
                            ("drifted", "Drifted"),
                            ("expired", "Expired"),
                            ("gone", "Gone"),
                            ("unsupported", "Unsupported"),
                            ("manual", "Manual"),
                        ],
                        default="wanted",
                        max_length=12,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=40)),
                ("detail", models.CharField(blank=True, max_length=500)),
                ("evidence", models.JSONField(default=dict)),
                ("external_id", models.CharField(blank=True, max_length=400)),
                ("failure_count", models.PositiveSmallIntegerField(default=0)),
                ("checked_at", models.DateTimeField(blank=True, null=True)),
                ("verified_at", models.DateTimeField(blank=True, null=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("last_item_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "state_changed_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="subscriptions",
                        to="incoming.inboundendpoint",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
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
        migrations.AddIndex(
            model_name="inboundendpoint",
            index=models.Index(
                condition=models.Q(("next_check_at__isnull", False)),
                fields=["next_check_at"],
                name="endpoints_to_check",
            ),
        ),
        migrations.AddConstraint(
            model_name="inboundendpoint",
            constraint=models.UniqueConstraint(
                condition=models.Q(("connection", None)),
                fields=("connector_key",),
                name="one_endpoint_per_app",
            ),
        ),
        migrations.AddIndex(
            model_name="inboundcount",
            index=models.Index(fields=["minute"], name="inbound_counts_by_minute"),
        ),
        migrations.AddConstraint(
            model_name="inboundcount",
            constraint=models.UniqueConstraint(
                fields=("endpoint", "minute", "cause"), name="one_inbound_count"
            ),
        ),
        migrations.AddIndex(
            model_name="inboundmessage",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)),
                fields=["share_key", "id"],
                name="inbound_messages_due",
            ),
        ),
        migrations.AddIndex(
            model_name="inboundmessage",
            index=models.Index(fields=["endpoint", "-id"], name="messages_of_endpoint"),
        ),
        migrations.AddIndex(
            model_name="inboundmessage",
            index=models.Index(
                condition=models.Q(("sealed__isnull", False)),
                fields=["received_at"],
                name="messages_with_reply",
            ),
        ),
        migrations.AddIndex(
            model_name="inboundmessage",
            index=models.Index(fields=["tenant", "-id"], name="inbound_messages_of_tenant"),
        ),
        migrations.AddIndex(
            model_name="inboundmessage",
            index=models.Index(
                condition=models.Q(("state", "rejected")),
                fields=["-id"],
                name="inbound_messages_rejected",
            ),
        ),
        migrations.AddConstraint(
            model_name="inboundmessage",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "accepted")),
                fields=("endpoint", "message_key"),
                name="one_inbound_message_once",
            ),
        ),
        migrations.AddIndex(
            model_name="inbounditem",
            index=models.Index(fields=["tenant", "-id"], name="inbound_items_of_tenant"),
        ),
        migrations.AddIndex(
            model_name="inbounditem",
            index=models.Index(
                condition=models.Q(("state__in", ("received", "held", "unmatched", "quarantined"))),
                fields=["state", "-id"],
                name="inbound_items_open",
            ),
        ),
        migrations.AddIndex(
            model_name="inbounditem",
            index=models.Index(fields=["connection", "-id"], name="inbound_items_of_connection"),
        ),
        migrations.AddIndex(
            model_name="inbounditem",
            index=models.Index(
                condition=models.Q(("state", "held")),
                fields=["connection", "reason"],
                name="inbound_items_held",
            ),
        ),
        migrations.AddIndex(
            model_name="inbounditem",
            index=models.Index(
                condition=models.Q(("state", "received")),
                fields=["connection", "message", "position"],
                name="inbound_items_in_order",
            ),
        ),
        migrations.AddIndex(
            model_name="inbounditem",
            index=models.Index(
                fields=["connector_key", "account"], name="inbound_items_of_account"
            ),
        ),
        migrations.AddConstraint(
            model_name="inbounditem",
            constraint=models.UniqueConstraint(
                condition=models.Q(("connection__isnull", False)),
                fields=("connection", "item_key"),
                name="one_item_per_connection",
            ),
        ),
        migrations.AddConstraint(
            model_name="inbounditem",
            constraint=models.UniqueConstraint(
                condition=models.Q(("connection", None)),
                fields=("connector_key", "account", "item_key"),
                name="one_unmatched_item",
            ),
        ),
        migrations.AddIndex(
            model_name="webhooksubscription",
            index=models.Index(fields=["tenant", "-id"], name="subscriptions_of_tenant"),
        ),
        migrations.AddConstraint(
            model_name="webhooksubscription",
            constraint=models.UniqueConstraint(
                fields=("endpoint", "key"), name="one_subscription_per_key"
            ),
        ),
    ]
