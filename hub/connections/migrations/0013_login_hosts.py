from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0012_quota_queues"),
    ]

    operations = [
        migrations.AddField(
            model_name="authorization",
            name="login_host",
            field=models.CharField(blank=True, db_default="", default="", max_length=100),
        ),
        migrations.AddField(
            model_name="connectlink",
            name="login_host",
            field=models.CharField(blank=True, db_default="", default="", max_length=100),
        ),
    ]
