from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connections", "0017_disconnections")]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="account_since",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
