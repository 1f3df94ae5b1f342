"""The names of models and fields are the field's standard words; a mail that was given up has failed."""

from django.db import migrations, models

from hub.migrations._permissions import rename_permissions


def to_failed(apps, schema_editor):
    apps.get_model("hub", "Mail").objects.filter(state="dead").update(state="failed")


def to_dead(apps, schema_editor):
    apps.get_model("hub", "Mail").objects.filter(state="failed").update(state="dead")


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("hub", "0009_pumps_of_a_worker"),
    ]

    operations = [
        migrations.RenameModel(old_name="Bell", new_name="WakeUp"),
        migrations.RenameModel(old_name="Beat", new_name="Heartbeat"),
        rename_permissions("hub", {"bell": "wakeup", "beat": "heartbeat"}),
        migrations.RenameField(model_name="wakeup", old_name="rung_at", new_name="requested_at"),
        migrations.RenameField(model_name="mail", old_name="tries", new_name="attempt_count"),
        migrations.RemoveIndex(model_name="mail", name="mails_dead"),
        migrations.AlterField(
            model_name="mail",
            name="state",
            field=models.CharField(
                choices=[("waiting", "Waiting"), ("sent", "Sent"), ("failed", "Failed")],
                default="waiting",
                max_length=10,
            ),
        ),
        migrations.RunPython(to_failed, to_dead),
        migrations.AddIndex(
            model_name="mail",
            index=models.Index(
                condition=models.Q(("state", "failed")), fields=["id"], name="mails_failed"
            ),
        ),
    ]
