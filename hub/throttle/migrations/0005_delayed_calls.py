"""Calls that may be sent later than booked: one column, metadata only."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("throttle", "0004_quota_state_names"),
    ]

    operations = [
        migrations.AddField(
            model_name="quotastate",
            name="delayed_free_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
