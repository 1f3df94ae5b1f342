from django.db import migrations

from hub.queue import migrate_queued_functions


def update_functions(apps, schema_editor):
    migrate_queued_functions(apps.get_model("django_q", "OrmQ").objects.all())


class Migration(migrations.Migration):
    """The functions of tasks have new names; what lies in the queue is to find them."""

    dependencies = [
        ("hub", "0010_standard_names"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]
    operations = [migrations.RunPython(update_functions, migrations.RunPython.noop)]
