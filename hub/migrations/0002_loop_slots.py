"""One table for the running loops of all kinds; it takes over from three, see 0002 of their apps."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("hub", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="LoopSlot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=8)),
                ("number", models.PositiveSmallIntegerField()),
                ("lease", models.UUIDField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("kind", "number"), name="one_loop_slot_per_number"
                    )
                ],
            },
        ),
    ]
