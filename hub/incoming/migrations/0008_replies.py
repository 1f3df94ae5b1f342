from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incoming", "0007_turns_of_due_items"),
    ]

    operations = [
        migrations.AddField(
            model_name="inboundmessage",
            name="reply_count",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddIndex(
            model_name="inboundmessage",
            index=models.Index(
                condition=models.Q(("sealed__isnull", False)),
                fields=["received_at"],
                name="messages_with_reply",
            ),
        ),
    ]
