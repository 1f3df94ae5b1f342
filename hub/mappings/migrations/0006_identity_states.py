"""Identities have a state, and what a person needs to decide about them."""

from django.db import migrations, models


def delete_unconfirmed(apps, schema_editor):
    """Delete what is no pair yet, as earlier versions would use it."""
    apps.get_model("mappings", "Identity")._base_manager.exclude(state="confirmed").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0016_scheduled_switch"),
        ("mappings", "0005_help_texts"),
    ]

    operations = [
        migrations.AddField(
            model_name="identity",
            name="confidence",
            field=models.FloatField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="identity",
            name="conflict",
            field=models.CharField(
                blank=True, db_default="", default="", editable=False, max_length=30
            ),
        ),
        migrations.AddField(
            model_name="identity",
            name="evidence",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="identity",
            name="source",
            field=models.CharField(
                choices=[
                    ("hand", "Hand"),
                    ("csv", "CSV"),
                    ("email", "e-mail"),
                    ("login", "Login"),
                    ("name", "Name"),
                    ("first_event", "First Event"),
                    ("recipe", "Recipe"),
                    ("import", "Import"),
                ],
                db_default="hand",
                default="hand",
                editable=False,
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="identity",
            name="state",
            field=models.CharField(
                choices=[
                    ("confirmed", "Confirmed"),
                    ("suggested", "Suggested"),
                    ("ambiguous", "Ambiguous"),
                    ("unmatched", "Unmatched"),
                    ("ignored", "Ignored"),
                ],
                db_default="confirmed",
                default="confirmed",
                editable=False,
                max_length=20,
            ),
        ),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(
                condition=models.Q(("state", "confirmed"), _negated=True),
                fields=["connection", "state", "kind", "local_id"],
                name="identity_queue",
            ),
        ),
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(
                condition=models.Q(("conflict", ""), _negated=True),
                fields=["connection", "kind", "local_id"],
                name="identity_conflicts",
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, delete_unconfirmed),
    ]
