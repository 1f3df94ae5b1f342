from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mappings", "0007_identity_fallbacks"),
    ]

    operations = [
        migrations.AddField(
            model_name="mappingversion",
            name="field_order",
            field=models.JSONField(editable=False, null=True),
        ),
    ]
