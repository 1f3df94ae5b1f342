from django.db import migrations, models


def name_the_cause(apps, schema_editor):
    """Lanes of what a person disconnected say so, as those that are disconnected from now on."""
    ended = {"connection__state": "disabled", "connection__reason": "disconnected"}
    apps.get_model("connections", "Lane")._base_manager.filter(held="disabled", **ended).update(
        held="disconnected"
    )


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0010_refusals_of_new_tokens"),
    ]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="keeps_events",
            field=models.BooleanField(db_default=True, default=True, editable=False),
        ),
        migrations.RunPython(name_the_cause, migrations.RunPython.noop),
    ]
