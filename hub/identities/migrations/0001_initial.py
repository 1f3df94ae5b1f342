import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("connections", "0001_initial"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="DirectoryEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                ("email", models.CharField(blank=True, default="", max_length=254)),
                ("login", models.CharField(blank=True, default="", max_length=200)),
                ("aliases", models.JSONField(blank=True, default=list)),
                ("other_names", models.JSONField(blank=True, default=list)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "read_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("kind", models.CharField(default="user", max_length=60)),
                ("remote_id", models.CharField(max_length=200)),
                ("is_shared", models.BooleanField(default=False)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="directory_entries",
                        to="connections.connection",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "directory entries",
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
                "indexes": [
                    models.Index(fields=["remote_id"], name="directory_by_id"),
                    models.Index(
                        django.db.models.functions.text.Lower(
                            django.db.models.functions.text.Substr(models.F("name"), 1, 3)
                        ),
                        name="directory_by_name",
                    ),
                    models.Index(
                        django.db.models.functions.text.Lower(
                            django.db.models.functions.text.Substr(models.F("email"), 1, 3)
                        ),
                        name="directory_by_email",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("connection", "kind", "remote_id"), name="one_directory_entry"
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="DirectoryRead",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("reading", "Reading"),
                            ("complete", "Complete"),
                            ("incomplete", "Incomplete"),
                            ("failed", "Failed"),
                        ],
                        default="reading",
                        max_length=20,
                    ),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=60)),
                ("detail", models.CharField(blank=True, default="", max_length=300)),
                ("cursor", models.TextField(blank=True, default="")),
                ("page_count", models.PositiveIntegerField(default=0)),
                ("people_count", models.PositiveIntegerField(default=0)),
                ("failure_count", models.PositiveIntegerField(default=0)),
                ("stopped_count", models.PositiveIntegerField(db_default=0, default=0)),
                ("started_at", models.DateTimeField()),
                ("next_page_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("suggested_at", models.DateTimeField(blank=True, null=True)),
                ("complete_at", models.DateTimeField(blank=True, null=True)),
                (
                    "connection",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="directory_read",
                        to="connections.connection",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="directory_reads",
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
                        condition=models.Q(("next_page_at__isnull", False)),
                        fields=["next_page_at"],
                        name="directory_pages_due",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("connection", None)),
                        fields=("tenant",),
                        name="one_read_of_local_users",
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="LocalUser",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                ("email", models.CharField(blank=True, default="", max_length=254)),
                ("login", models.CharField(blank=True, default="", max_length=200)),
                ("aliases", models.JSONField(blank=True, default=list)),
                ("other_names", models.JSONField(blank=True, default=list)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "read_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "user_id",
                    models.CharField(
                        help_text="The id of the user, as events name it.", max_length=200
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="local_users",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
                "indexes": [
                    models.Index(fields=["user_id"], name="local_users_by_id"),
                    models.Index(
                        django.db.models.functions.text.Lower(
                            django.db.models.functions.text.Substr(models.F("name"), 1, 3)
                        ),
                        name="local_users_by_name",
                    ),
                    models.Index(
                        django.db.models.functions.text.Lower(
                            django.db.models.functions.text.Substr(models.F("email"), 1, 3)
                        ),
                        name="local_users_by_email",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "user_id"), name="one_local_user")
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="SuggestionRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("finished", "Finished"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=20,
                    ),
                ),
                ("requested_by", models.JSONField(default=dict)),
                ("requested_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("attempt_count", models.PositiveSmallIntegerField(default=0)),
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="suggestion_run",
                        to="connections.connection",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ("waiting", "running"))),
                        fields=["state"],
                        name="suggestion_runs_open",
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
    ]
