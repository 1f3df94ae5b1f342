from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incoming", "0006_index_of_held_items"),
    ]

    operations = [
        migrations.RemoveField(model_name="webhooksubscription", name="secret_version"),
        migrations.AddIndex(
            model_name="inbounditem",
            index=models.Index(
                condition=models.Q(("state", "received")),
                fields=["connection", "id"],
                name="inbound_items_due",
            ),
        ),
    ]
