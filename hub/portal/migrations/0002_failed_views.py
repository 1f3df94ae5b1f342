"""A saved view that shows what was given up asks for `failed`."""

from urllib.parse import parse_qsl, urlencode

from django.db import migrations


def rename_state(apps, old, new):
    for view in apps.get_model("portal", "SavedView").unscoped.filter(
        query__contains=f"state={old}"
    ):
        query = [
            (key, new if (key, value) == ("state", old) else value)
            for key, value in parse_qsl(view.query)
        ]
        view.query = urlencode(query)
        view.save(update_fields=["query"])


def to_failed(apps, schema_editor):
    rename_state(apps, "dead", "failed")


def to_dead(apps, schema_editor):
    rename_state(apps, "failed", "dead")


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0001_saved_views"),
    ]

    operations = [
        migrations.RunPython(to_failed, to_dead),
    ]
