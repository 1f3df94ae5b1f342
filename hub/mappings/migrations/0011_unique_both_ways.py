from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mappings", "0010_exclusive_identities"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="identity",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_exclusive", True), ("state", "confirmed")),
                fields=("connection", "kind", "remote_id"),
                name="one_identity_reversed",
            ),
        ),
    ]
