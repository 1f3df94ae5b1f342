from django.db import migrations

from hub.queue import migrate_queued_functions


def update_queues(apps, schema_editor):
    migrate_queued_functions(apps.get_model("django_q", "OrmQ").objects.all())


class Migration(migrations.Migration):
    """Each class of background work has a queue of its own; what lies in the old ones moves."""

    dependencies = [("hub", "0011_queued_tasks")]
    operations = [migrations.RunPython(update_queues, migrations.RunPython.noop)]
