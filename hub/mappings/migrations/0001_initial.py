import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import hub.connections.models.connections
import hub.db.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("connections", "0001_initial"),
        ("tenants", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FieldMapping",
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
                    "connector_key",
                    models.CharField(
                        max_length=40,
                        validators=[hub.connections.models.connections.validate_connector_key],
                    ),
                ),
                ("action", models.CharField(max_length=40)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mappings",
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
            name="Identity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(help_text="Such as user, product or customer.", max_length=60),
                ),
                (
                    "local_id",
                    models.CharField(
                        help_text="The id of our record, as events name it.", max_length=200
                    ),
                ),
                (
                    "remote_id",
                    models.CharField(help_text="The id in the external system.", max_length=200),
                ),
                (
                    "name",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="The name in the external system; only shown to people.",
                        max_length=200,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("confirmed", "Confirmed"),
                            ("suggested", "Suggested"),
                            ("ambiguous", "Ambiguous"),
                            ("unmatched", "Unmatched"),
                            ("ignored", "Ignored"),
                        ],
                        db_default="confirmed",
                        default="confirmed",
                        editable=False,
                        max_length=20,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("hand", "Hand"),
                            ("csv", "CSV"),
                            ("email", "e-mail"),
                            ("login", "Login"),
                            ("name", "Name"),
                            ("first_event", "First Event"),
                            ("created", "Created"),
                            ("import", "Import"),
                        ],
                        db_default="hand",
                        default="hand",
                        editable=False,
                        max_length=20,
                    ),
                ),
                ("confidence", models.FloatField(blank=True, editable=False, null=True)),
                (
                    "conflict",
                    models.CharField(
                        blank=True, db_default="", default="", editable=False, max_length=30
                    ),
                ),
                ("evidence", models.JSONField(blank=True, editable=False, null=True)),
                (
                    "is_exclusive",
                    models.BooleanField(db_default=False, default=False, editable=False),
                ),
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
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="identities",
                        to="connections.connection",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "identities",
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
                "indexes": [
                    models.Index(
                        fields=["connection", "kind", "remote_id"], name="identity_reversed"
                    ),
                    models.Index(
                        condition=models.Q(("state", "confirmed"), _negated=True),
                        fields=["connection", "state", "kind", "local_id"],
                        name="identity_queue",
                    ),
                    models.Index(
                        condition=models.Q(("conflict", ""), _negated=True),
                        fields=["connection", "kind", "local_id"],
                        name="identity_conflicts",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("connection", "kind", "local_id"), name="one_identity"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_exclusive", True), ("state", "confirmed")),
                        fields=("connection", "kind", "remote_id"),
                        name="one_identity_reversed",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="IdentityFallback",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=60)),
                (
                    "direction",
                    models.CharField(
                        choices=[
                            ("out", "Deliveries to the other system"),
                            ("in", "Events from the other system"),
                        ],
                        max_length=3,
                    ),
                ),
                (
                    "choice",
                    models.CharField(
                        choices=[
                            ("hold", "Hold until a record is selected"),
                            ("default", "Use a default record"),
                            ("skip", "Skip, with a reason"),
                        ],
                        max_length=10,
                    ),
                ),
                ("default_id", models.CharField(blank=True, default="", max_length=200)),
                ("explanation", models.CharField(blank=True, default="", max_length=200)),
                ("updated_at", models.DateTimeField()),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="identity_fallbacks",
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
                        fields=("connection", "kind", "direction"), name="one_identity_fallback"
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="MappingVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("body", models.JSONField()),
                ("field_order", models.JSONField(editable=False, null=True)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "mapping",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="mappings.fieldmapping",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
                "constraints": [
                    models.UniqueConstraint(fields=("mapping", "number"), name="one_version")
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
    ]
