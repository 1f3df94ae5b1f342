import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import hub.db.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("mappings", "0001_initial"),
        ("outgoing", "0001_initial"),
        ("scheduled", "0001_initial"),
        ("tenants", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Integration",
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
                ("recipe_key", models.CharField(max_length=60)),
                ("recipe_version", models.PositiveIntegerField()),
                ("answers", models.JSONField(default=dict)),
                ("answer_names", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[("on", "On"), ("paused", "Paused"), ("removed", "Removed")],
                        default="on",
                        max_length=10,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "changed_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
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
                        related_name="integrations",
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
            name="IntegrationPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=60)),
                ("made", models.JSONField(default=dict)),
                ("was_disabled", models.BooleanField(default=False)),
                ("retired_at", models.DateTimeField(null=True)),
                (
                    "integration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="recipes.integration",
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="integration_parts",
                        to="scheduled.job",
                    ),
                ),
                (
                    "mapping",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="integration_parts",
                        to="mappings.fieldmapping",
                    ),
                ),
                (
                    "route",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="integration_parts",
                        to="outgoing.route",
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
            model_name="integration",
            index=models.Index(fields=["tenant", "-id"], name="integrations_of_tenant"),
        ),
        migrations.AddIndex(
            model_name="integrationpart",
            index=models.Index(
                condition=models.Q(("retired_at__isnull", False)),
                fields=["id"],
                name="parts_retired",
            ),
        ),
        migrations.AddConstraint(
            model_name="integrationpart",
            constraint=models.UniqueConstraint(
                condition=models.Q(("retired_at", None)),
                fields=("integration", "key"),
                name="one_part_per_template",
            ),
        ),
        migrations.AddConstraint(
            model_name="integrationpart",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("job__isnull", True), ("mapping__isnull", False), ("route__isnull", False)
                    ),
                    models.Q(
                        ("job__isnull", False), ("mapping__isnull", True), ("route__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="part_is_route_or_job",
            ),
        ),
    ]
