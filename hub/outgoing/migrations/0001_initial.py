import django.core.validators
import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import hub.connections.models.connections
import hub.db.ids


def leave_room(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Leave room in the pages of deliveries on PostgreSQL: a claim then writes a row beside the old one, and no index."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE outgoing_delivery SET (fillfactor = 80)")


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("connections", "0001_initial"),
        ("mappings", "0001_initial"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="EventBody",
            fields=[
                ("event_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("body", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="Exchange",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("method", models.CharField(max_length=10)),
                ("url", models.TextField()),
                ("request_headers", models.JSONField(default=dict)),
                ("request_body", models.BinaryField()),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("response_headers", models.JSONField(default=dict)),
                ("response_body", models.BinaryField(default=bytes)),
                ("error", models.CharField(blank=True, max_length=60)),
            ],
        ),
        migrations.CreateModel(
            name="PumpSlot",
            fields=[
                ("number", models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                ("lease", models.UUIDField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Rendering",
            fields=[
                ("delivery_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("body", models.BinaryField()),
                ("version_id", models.BigIntegerField(null=True)),
                ("ticket", models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name="ValueIndexPosition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("last_event", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Delivery",
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
                ("message_uuid", models.UUIDField(default=hub.db.ids.uuid7, editable=False)),
                ("replay_number", models.PositiveSmallIntegerField(default=0)),
                (
                    "state",
                    models.CharField(
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
                (
                    "index_state",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(state="sending", then=models.Value("waiting")),
                            default=models.F("state"),
                        ),
                        output_field=models.CharField(max_length=10),
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=40)),
                ("detail", models.CharField(blank=True, max_length=500)),
                ("due_at", models.DateTimeField(null=True)),
                ("quota_queue", models.BigIntegerField(db_default=0, default=0)),
                ("attempt_count", models.PositiveSmallIntegerField(default=0)),
                ("crash_count", models.PositiveSmallIntegerField(default=0)),
                ("lease", models.UUIDField(null=True)),
                ("possibly_delivered", models.BooleanField(default=False)),
                ("low_priority", models.BooleanField(default=False)),
                ("position", models.BigIntegerField(null=True)),
                (
                    "order_key",
                    models.CharField(blank=True, db_default="", default="", max_length=64),
                ),
                ("expires_at", models.DateTimeField(null=True)),
                ("accepted_at", models.DateTimeField()),
                ("state_changed_at", models.DateTimeField()),
                (
                    "connection",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="connections.connection",
                    ),
                ),
                (
                    "mapping_version",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="mappings.mappingversion",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("started_at", models.DateTimeField()),
                ("milliseconds", models.PositiveIntegerField(null=True)),
                ("outcome", models.CharField(max_length=10)),
                ("reason", models.CharField(blank=True, max_length=60)),
                ("detail", models.CharField(blank=True, max_length=500)),
                ("reference", models.CharField(blank=True, max_length=200)),
                ("exchange", models.UUIDField(null=True)),
                (
                    "delivery",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attempts",
                        to="outgoing.delivery",
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Event",
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
                ("source", models.CharField(max_length=40)),
                ("sender_id", models.CharField(max_length=200)),
                (
                    "type",
                    models.CharField(
                        max_length=120,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[a-z0-9_]+(\\.[a-z0-9_]+)*\\Z",
                                "Lower case words with dots, such as order.created.",
                            )
                        ],
                    ),
                ),
                ("digest", models.CharField(max_length=64)),
                ("reason", models.CharField(blank=True, max_length=40)),
                ("occurred_at", models.DateTimeField()),
                ("accepted_at", models.DateTimeField()),
                (
                    "origin",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="received_events",
                        to="connections.connection",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
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
        migrations.AddField(
            model_name="delivery",
            name="event",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deliveries",
                to="outgoing.event",
            ),
        ),
        migrations.CreateModel(
            name="EventValue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.BigIntegerField()),
                (
                    "event",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="values",
                        to="outgoing.event",
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
            name="Idempotency",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=255)),
                ("digest", models.CharField(max_length=64)),
                ("status", models.PositiveSmallIntegerField()),
                ("answer", models.JSONField()),
                ("location", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField()),
                (
                    "api_key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="tenants.apikey"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ReceivedDataErasure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("erased_at", models.DateTimeField()),
                ("due_at", models.DateTimeField(db_index=True)),
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="received_data_erasure",
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
            name="RememberedWrite",
            fields=[
                ("delivery_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("object", models.CharField(max_length=80)),
                ("record", models.CharField(blank=True, max_length=200)),
                ("change", models.CharField(blank=True, db_default="", default="", max_length=10)),
                ("fields", models.JSONField()),
                ("is_forwarded", models.BooleanField()),
                ("expected_echoes", models.PositiveSmallIntegerField(default=1)),
                ("echo_count", models.PositiveSmallIntegerField(default=0)),
                ("is_pair_due", models.BooleanField(default=False)),
                ("written_at", models.DateTimeField()),
                ("changed_from", models.DateTimeField(blank=True, null=True)),
                ("changed_until", models.DateTimeField(blank=True, null=True)),
                (
                    "published_state",
                    models.CharField(blank=True, db_default="", default="", max_length=32),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="remembered_writes",
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
            name="Route",
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
                ("name", models.CharField(max_length=200)),
                (
                    "event_type",
                    models.CharField(
                        max_length=120,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A(\\*|[a-z0-9_]+(\\.[a-z0-9_]+)*(\\.\\*)?)\\Z",
                                "An event type, or a prefix with .* such as order.*",
                            )
                        ],
                        verbose_name="event type",
                    ),
                ),
                (
                    "origin_connector_key",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Empty: events of our own application.",
                        max_length=40,
                        validators=[hub.connections.models.connections.validate_connector_key],
                        verbose_name="received from",
                    ),
                ),
                (
                    "filter",
                    models.TextField(
                        blank=True, help_text="JMESPath; empty: all events of the type."
                    ),
                ),
                (
                    "connector_key",
                    models.CharField(
                        max_length=40,
                        validators=[hub.connections.models.connections.validate_connector_key],
                    ),
                ),
                ("action", models.CharField(max_length=40)),
                (
                    "retry_schedule",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="Seconds between attempts; empty: the default schedule over 75 hours.",
                    ),
                ),
                (
                    "ordered",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Each delivery is sent only after the previous one has arrived.",
                    ),
                ),
                (
                    "order_key",
                    models.TextField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="JMESPath; only events with the same key keep their order. Empty: all events of the connection.",
                    ),
                ),
                (
                    "never_twice",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Deliveries that may have arrived are not retried automatically, unless the system recognises repetitions.",
                    ),
                ),
                (
                    "expires_after",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Seconds after which a delivery is not sent any more; empty: no expiry.",
                        null=True,
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                (
                    "changed_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: all connections of the tenant at the connector.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="routes",
                        to="connections.connection",
                    ),
                ),
                (
                    "mapping",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="routes",
                        to="mappings.fieldmapping",
                    ),
                ),
                (
                    "origin",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: every connection of the tenant at the system the events come from.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="routes_of_received_events",
                        to="connections.connection",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: all tenants.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="routes",
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
        migrations.AddField(
            model_name="delivery",
            name="route",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deliveries",
                to="outgoing.route",
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["tenant", "-id"], name="events_of_tenant"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("origin__isnull", False)),
                fields=["origin", "-id"],
                name="received_events",
            ),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.UniqueConstraint(
                fields=("tenant", "source", "sender_id"), name="one_event_once"
            ),
        ),
        migrations.AddIndex(
            model_name="eventvalue",
            index=models.Index(fields=["digest", "-event"], name="values_of_events"),
        ),
        migrations.AddConstraint(
            model_name="idempotency",
            constraint=models.UniqueConstraint(fields=("api_key", "key"), name="one_first_answer"),
        ),
        migrations.AddIndex(
            model_name="rememberedwrite",
            index=models.Index(fields=["connection", "object", "record"], name="writes_of_record"),
        ),
        migrations.AddIndex(
            model_name="rememberedwrite",
            index=models.Index(
                condition=models.Q(("is_pair_due", True)),
                fields=["delivery_id"],
                name="writes_without_pair",
            ),
        ),
        migrations.AddIndex(
            model_name="rememberedwrite",
            index=models.Index(
                condition=models.Q(("change", "created"), ("expected_echoes__gt", 1)),
                fields=["connection", "object"],
                name="repeated_creations",
            ),
        ),
        migrations.AddIndex(
            model_name="rememberedwrite",
            index=models.Index(fields=["written_at"], name="writes_by_age"),
        ),
        migrations.AddIndex(
            model_name="route",
            index=models.Index(fields=["tenant", "event_type"], name="routes_of_tenant"),
        ),
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
            index=models.Index(fields=["tenant", "-id"], name="deliveries_of_tenant"),
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
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                fields=("event", "route", "connection", "replay_number"), name="one_delivery_once"
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
        migrations.RunPython(leave_room, migrations.RunPython.noop),
    ]
