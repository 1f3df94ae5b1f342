"""Invitations; a member has an id for outside; who was here before counts as verified: staff made these accounts."""

from typing import Any

import django.db.models.deletion
import django.db.models.manager
from django.conf import settings
from django.db import migrations, models

import hub.db.ids


def name_members(apps: Any, schema_editor: Any) -> None:
    memberships = apps.get_model("tenants", "Membership")._base_manager
    for pk in memberships.values_list("pk", flat=True):
        memberships.filter(pk=pk).update(public_id=hub.db.ids.uuid7())


def trust_addresses(apps: Any, schema_editor: Any) -> None:
    addresses = apps.get_model("account", "EmailAddress")
    people = apps.get_model("tenants", "User").objects.values_list("pk", "email")
    verified = [
        addresses(user_id=pk, email=email.lower(), verified=True, primary=True)
        for pk, email in people
        if email
    ]
    addresses.objects.bulk_create(verified, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0001_initial"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="public_id",
            field=models.UUIDField(null=True, editable=False),
        ),
        migrations.RunPython(name_members, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="membership",
            name="public_id",
            field=models.UUIDField(default=hub.db.ids.uuid7, editable=False, unique=True),
        ),
        migrations.CreateModel(
            name="Invitation",
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
                ("email", models.EmailField(max_length=254, verbose_name="e-mail")),
                (
                    "role",
                    models.CharField(
                        choices=[("owner", "Owner"), ("admin", "Admin"), ("member", "Member")],
                        max_length=10,
                    ),
                ),
                (
                    "inviter",
                    models.CharField(help_text="Who asks, as the mail says it.", max_length=200),
                ),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("created_at", models.DateTimeField()),
                ("asked_at", models.DateTimeField(help_text="When the newest link was made.")),
                (
                    "sent_at",
                    models.DateTimeField(
                        help_text="When a mail server took the newest link; empty: none did.",
                        null=True,
                    ),
                ),
                ("expires_at", models.DateTimeField()),
                ("accepted_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "accepted_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "invited_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="invitations",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("accepted_at", None), ("revoked_at", None)),
                        fields=("tenant", "email"),
                        name="one_open_invitation",
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.RunPython(trust_addresses, migrations.RunPython.noop),
    ]
