from django.contrib.sessions.backends.db import SessionStore as SignedSessions
from django.db import migrations

from hub.crypto.sessions import SessionStore


def seal_sessions(apps, schema_editor):
    """They were signed only, and may hold secrets; whoever is signed in stays so."""
    rows = apps.get_model("sessions", "Session").objects.using(schema_editor.connection.alias)
    for row in rows.iterator():
        row.session_data = SessionStore(row.pk).encode(SignedSessions().decode(row.session_data))
        row.save(update_fields=["session_data"])


class Migration(migrations.Migration):
    dependencies = [
        ("hub", "0005_mails"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(seal_sessions, migrations.RunPython.noop),
    ]
