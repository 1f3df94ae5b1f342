from django.db import migrations

from hub.crypto.sessions import digest_session_key


def digest_session_keys(apps, schema_editor):
    """Nobody is signed out: a session's contents are bound to its key, which the browser keeps."""
    rows = apps.get_model("sessions", "Session").objects.using(schema_editor.connection.alias)
    for key in list(rows.values_list("pk", flat=True)):
        rows.filter(pk=key).update(session_key=digest_session_key(key))


def end_sessions(apps, schema_editor):
    """A digest would be a key to the code before, though one that opens an empty session."""
    rows = apps.get_model("sessions", "Session").objects.using(schema_editor.connection.alias)
    rows.all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("hub", "0006_sessions_are_sealed"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(digest_session_keys, end_sessions),
    ]
