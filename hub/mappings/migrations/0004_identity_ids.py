"""The two ids of an identity are its local and its remote id: metadata only."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mappings", "0003_standard_names"),
    ]

    operations = [
        # the database renames the columns of the constraint and the index along
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint(model_name="identity", name="one_identity"),
                migrations.RemoveIndex(model_name="identity", name="identity_reversed"),
            ]
        ),
        migrations.RenameField(model_name="identity", old_name="ours", new_name="local_id"),
        migrations.RenameField(model_name="identity", old_name="theirs", new_name="remote_id"),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddConstraint(
                    model_name="identity",
                    constraint=models.UniqueConstraint(
                        fields=("connection", "kind", "local_id"), name="one_identity"
                    ),
                ),
                migrations.AddIndex(
                    model_name="identity",
                    index=models.Index(
                        fields=["connection", "kind", "remote_id"], name="identity_reversed"
                    ),
                ),
            ]
        ),
        migrations.AlterField(
            model_name="identity",
            name="local_id",
            field=models.CharField(
                help_text="The id of our record, as events name it.", max_length=200
            ),
        ),
        migrations.AlterField(
            model_name="identity",
            name="remote_id",
            field=models.CharField(help_text="The id in the external system.", max_length=200),
        ),
    ]
