from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("identities", "0002_suggested_reads"),
    ]

    operations = [
        migrations.AddField(
            model_name="directoryread",
            name="stopped_count",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
    ]
