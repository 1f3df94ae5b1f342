import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0014_standard_names"),
        ("outgoing", "0012_help_texts"),
    ]

    operations = [
        migrations.CreateModel(
            name="RememberedWrite",
            fields=[
                ("delivery_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("object", models.CharField(max_length=80)),
                ("record", models.CharField(blank=True, max_length=200)),
                ("fields", models.JSONField()),
                ("is_forwarded", models.BooleanField()),
                ("expected_echoes", models.PositiveSmallIntegerField(default=1)),
                ("echo_count", models.PositiveSmallIntegerField(default=0)),
                ("is_pair_due", models.BooleanField(default=False)),
                ("written_at", models.DateTimeField()),
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
                "indexes": [
                    models.Index(
                        fields=["connection", "object", "record"], name="writes_of_record"
                    ),
                    models.Index(
                        condition=models.Q(("is_pair_due", True)),
                        fields=["delivery_id"],
                        name="writes_without_pair",
                    ),
                    models.Index(fields=["written_at"], name="writes_by_age"),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
    ]
