import django.core.validators
import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import tenants.models.tenants


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("connections", "0001_initial"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ConnectionMailPreference",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=40)),
                ("enabled", models.BooleanField()),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mail_preferences",
                        to="connections.connection",
                    ),
                ),
                (
                    "membership",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="connection_mail_preferences",
                        to="tenants.membership",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("membership", "connection", "kind"), name="one_choice_a_connection"
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="MailPreference",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=40)),
                ("enabled", models.BooleanField()),
                (
                    "membership",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mail_preferences",
                        to="tenants.membership",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
                "constraints": [
                    models.UniqueConstraint(fields=("membership", "kind"), name="one_choice_a_kind")
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(editable=False, max_length=120, unique=True)),
                ("kind", models.CharField(editable=False, max_length=40)),
                (
                    "message",
                    models.CharField(
                        blank=True, db_default="", default="", editable=False, max_length=40
                    ),
                ),
                ("parameters", models.JSONField(default=dict, editable=False)),
                (
                    "stored_sentence",
                    models.CharField(blank=True, default="", editable=False, max_length=500),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True, db_default="", default="", editable=False, max_length=60
                    ),
                ),
                ("seen_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("created_at", models.DateTimeField(editable=False)),
                ("resolved_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("next_mail_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "reminder_number",
                    models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
                ),
                (
                    "event_pending",
                    models.BooleanField(db_default=False, default=False, editable=False),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to="connections.connection",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
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
                        condition=models.Q(("seen_at", None)), fields=["-id"], name="notices_unseen"
                    ),
                    models.Index(
                        condition=models.Q(("next_mail_at__isnull", False)),
                        fields=["next_mail_at"],
                        name="notices_to_tell",
                    ),
                    models.Index(
                        condition=models.Q(("event_pending", True)),
                        fields=["id"],
                        name="notices_to_publish",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="QuietHours",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        blank=True,
                        max_length=64,
                        validators=[tenants.models.tenants.validate_time_zone],
                    ),
                ),
                ("quiet_from", models.TimeField(blank=True, null=True)),
                ("quiet_until", models.TimeField(blank=True, null=True)),
                (
                    "language",
                    models.CharField(blank=True, db_default="", default="", max_length=10),
                ),
                ("digest", models.BooleanField(default=False)),
                ("away_until", models.DateField(blank=True, null=True)),
                (
                    "digest_hour",
                    models.PositiveSmallIntegerField(
                        default=8, validators=[django.core.validators.MaxValueValidator(23)]
                    ),
                ),
                ("digest_at", models.DateTimeField(editable=False, null=True)),
                ("digested_at", models.DateTimeField(editable=False, null=True)),
                (
                    "membership",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="quiet_hours",
                        to="tenants.membership",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "quiet hours",
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
                "indexes": [
                    models.Index(
                        condition=models.Q(("digest_at__isnull", False)),
                        fields=["digest_at"],
                        name="digests_to_tell",
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
    ]
