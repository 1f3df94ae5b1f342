"""Staff's own background shares of quotas: a new table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("throttle", "0005_delayed_calls"),
    ]

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
    ]
