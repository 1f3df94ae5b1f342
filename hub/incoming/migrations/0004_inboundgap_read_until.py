"""Up to where a gap was read, so that its begin stays."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("incoming", "0003_sources_and_gaps")]

    operations = [
        migrations.AddField(
            model_name="inboundgap",
            name="read_until",
            field=models.DateTimeField(null=True),
        ),
    ]
