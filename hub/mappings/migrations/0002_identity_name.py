from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mappings", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="identity",
            name="name",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="What they call it; nothing depends on it.",
                max_length=200,
            ),
        ),
    ]
