from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incoming", "0005_index_of_rejected_messages"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="inbounditem",
            index=models.Index(
                condition=models.Q(("state", "held")),
                fields=["connection", "reason"],
                name="inbound_items_held",
            ),
        ),
    ]
