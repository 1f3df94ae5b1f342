from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="BackgroundShare",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("connector_key", models.CharField(blank=True, max_length=40)),
                ("quota_name", models.CharField(max_length=80)),
                ("percent", models.PositiveSmallIntegerField()),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("connector_key", "quota_name"),
                        name="one_background_share_per_quota",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("percent__gte", 1), ("percent__lte", 100)),
                        name="background_share_is_a_percentage",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="InFlightLease",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=300)),
                ("lease", models.UUIDField()),
                ("count", models.PositiveIntegerField()),
                ("until", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["lease"], name="holder_by_lease")],
                "constraints": [
                    models.UniqueConstraint(fields=("key", "lease"), name="one_holder_per_lease")
                ],
            },
        ),
        migrations.CreateModel(
            name="QuotaState",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=300, unique=True)),
                ("connector_key", models.CharField(blank=True, max_length=40)),
                ("kind", models.CharField(max_length=20)),
                ("free_at", models.DateTimeField(blank=True, null=True)),
                ("low_priority_free_at", models.DateTimeField(blank=True, null=True)),
                ("delayed_free_at", models.DateTimeField(blank=True, null=True)),
                ("paused_at", models.DateTimeField(blank=True, null=True)),
                ("paused_until", models.DateTimeField(blank=True, null=True)),
                ("is_probing", models.BooleanField(default=False)),
                ("used_units", models.PositiveIntegerField(default=0)),
                ("usage_buckets", models.JSONField(blank=True, default=list)),
                ("reported_limit", models.PositiveIntegerField(blank=True, null=True)),
                ("window_ends", models.DateTimeField(blank=True, null=True)),
                (
                    "limit",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Staff's own limit; empty: the connector's.",
                        null=True,
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name": "quota",
                "indexes": [
                    models.Index(fields=["connector_key", "kind"], name="scope_by_connector")
                ],
            },
        ),
    ]
