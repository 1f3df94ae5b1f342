from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("drift", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="driftfinding",
            name="change",
            field=models.CharField(
                choices=[
                    ("renamed", "Renamed"),
                    ("removed", "Removed"),
                    ("retyped", "Type changed"),
                    ("newly_required", "Newly required"),
                    ("picklist_value_gone", "Value removed"),
                    ("object_removed", "Object removed"),
                ],
                max_length=20,
            ),
        ),
    ]
