"""One job of a connection reads its gaps."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scheduled", "0002_loop_slots")]

    operations = [
        migrations.AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                condition=models.Q(kind="gap"), fields=("connection",), name="one_gap_job"
            ),
        ),
    ]
