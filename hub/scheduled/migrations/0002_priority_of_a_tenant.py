"""Staff's priority of a tenant in a job: one column with a default."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scheduled", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="jobschedule",
            name="priority",
            field=models.SmallIntegerField(default=0),
        ),
    ]
