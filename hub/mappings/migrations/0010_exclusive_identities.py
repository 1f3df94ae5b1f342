"""Mark the pairs that are unique both ways. Of several users with one account, the first is."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Exists, OuterRef

CONNECTORS = ("app", "pipedrive", "salesforce", "slack")  # whose users are paired one to one


def mark_exclusive(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    Identity = apps.get_model("mappings", "Identity")
    confirmed = Identity._base_manager.filter(
        kind="user", state="confirmed", connection__connector_key__in=CONNECTORS
    )
    earlier = confirmed.filter(
        connection=OuterRef("connection"), remote_id=OuterRef("remote_id"), pk__lt=OuterRef("pk")
    )
    confirmed.filter(~Exists(earlier)).update(is_exclusive=True)


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0018_account_since"),
        ("mappings", "0009_identity_sources"),
    ]

    operations = [
        migrations.AddField(
            model_name="identity",
            name="is_exclusive",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.RunPython(mark_exclusive, migrations.RunPython.noop),
    ]
