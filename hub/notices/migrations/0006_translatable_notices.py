"""A notice stores its message and parameters; the English sentence of older notices stays."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notices", "0005_standard_names")]

    operations = [
        migrations.RenameField(
            model_name="notice", old_name="sentence", new_name="stored_sentence"
        ),
        migrations.AlterField(
            model_name="notice",
            name="stored_sentence",
            field=models.CharField(blank=True, default="", editable=False, max_length=500),
        ),
        migrations.AddField(
            model_name="notice",
            name="message",
            field=models.CharField(
                blank=True, db_default="", default="", editable=False, max_length=40
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="parameters",
            field=models.JSONField(default=dict, editable=False),
        ),
        migrations.AddField(
            model_name="quiethours",
            name="language",
            field=models.CharField(blank=True, db_default="", default="", max_length=10),
        ),
    ]
