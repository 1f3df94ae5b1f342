from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("incoming", "0004_checks_of_endpoints")]

    operations = [
        migrations.AddIndex(
            model_name="inboundmessage",
            index=models.Index(
                fields=["-id"],
                condition=models.Q(state="rejected"),
                name="inbound_messages_rejected",
            ),
        ),
    ]
