import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scheduled", "0004_log"),
    ]

    operations = [
        migrations.AlterField(
            model_name="logposition",
            name="log",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="positions",
                to="scheduled.log",
            ),
        ),
        migrations.AddConstraint(
            model_name="logposition",
            constraint=models.UniqueConstraint(fields=("log", "job"), name="one_position_per_job"),
        ),
        migrations.RemoveField(model_name="logposition", name="source"),
        migrations.RemoveField(model_name="logposition", name="next_line"),
        migrations.RemoveField(model_name="logposition", name="received_at"),
        migrations.RemoveField(model_name="logposition", name="read_cursor"),
    ]
