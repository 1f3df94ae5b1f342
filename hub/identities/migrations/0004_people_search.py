from django.db import migrations, models
from django.db.models.functions import Lower, Substr


def build_index(column: str, name: str) -> models.Index:
    return models.Index(Lower(Substr(models.F(column), 1, 3)), name=name)


class Migration(migrations.Migration):
    dependencies = [
        ("identities", "0003_stopped_reads"),
    ]

    operations = [
        migrations.AddIndex(
            "directoryentry", models.Index(fields=["remote_id"], name="directory_by_id")
        ),
        migrations.AddIndex("directoryentry", build_index("name", "directory_by_name")),
        migrations.AddIndex("directoryentry", build_index("email", "directory_by_email")),
        migrations.AddIndex(
            "localuser", models.Index(fields=["user_id"], name="local_users_by_id")
        ),
        migrations.AddIndex("localuser", build_index("name", "local_users_by_name")),
        migrations.AddIndex("localuser", build_index("email", "local_users_by_email")),
    ]
