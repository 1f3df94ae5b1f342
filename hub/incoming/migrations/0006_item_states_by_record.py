"""Which state of a record was published last is found for what webhooks told, too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("incoming", "0005_fading_and_canary_rounds")]

    operations = [
        migrations.RemoveIndex(model_name="inbounditem", name="inbound_items_read"),
        migrations.AddIndex(
            model_name="inbounditem",
            index=models.Index(
                condition=models.Q(("changed_at__isnull", False)),
                fields=["connection", "record", "-changed_at"],
                name="inbound_items_of_record",
            ),
        ),
    ]
