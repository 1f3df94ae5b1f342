from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mappings", "0008_order_of_fields"),
    ]

    operations = [
        migrations.AlterField(
            model_name="identity",
            name="source",
            field=models.CharField(
                choices=[
                    ("hand", "Hand"),
                    ("csv", "CSV"),
                    ("email", "e-mail"),
                    ("login", "Login"),
                    ("name", "Name"),
                    ("first_event", "First Event"),
                    ("created", "Created"),
                    ("import", "Import"),
                ],
                db_default="hand",
                default="hand",
                editable=False,
                max_length=20,
            ),
        ),
    ]
