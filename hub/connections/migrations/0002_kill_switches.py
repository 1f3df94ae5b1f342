"""Kill switches, after the routes that they stop, which need the tables of connections."""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import hub.connections.models.connections


class Migration(migrations.Migration):
    initial = True

    # of a database of earlier versions: see hub/db/old_migrations.py
    replaces = [("connections", "0002_breaker_and_switches")]

    dependencies = [
        ("connections", "0001_initial"),
        ("outgoing", "0001_initial"),
        ("tenants", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="KillSwitch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(editable=False, max_length=60, unique=True)),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("platform", "the whole platform"),
                            ("tenant", "one tenant"),
                            ("connector", "one system"),
                            ("route", "one route"),
                            ("scheduled", "all scheduled work"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "connector_key",
                    models.CharField(
                        blank=True,
                        max_length=40,
                        validators=[hub.connections.models.connections.validate_connector_key],
                    ),
                ),
                (
                    "route",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="outgoing.route",
                    ),
                ),
                ("reason", models.CharField(max_length=300)),
                (
                    "activated_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("expires_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "activated_by",
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
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="kill_switches",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "switches",
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
    ]
