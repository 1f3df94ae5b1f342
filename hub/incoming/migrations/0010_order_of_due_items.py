from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incoming", "0009_skipped_items"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="inbounditem", name="inbound_items_due"),
        migrations.AddIndex(
            model_name="inbounditem",
            index=models.Index(
                condition=models.Q(("state", "received")),
                fields=["connection", "message", "position"],
                name="inbound_items_in_order",
            ),
        ),
    ]
