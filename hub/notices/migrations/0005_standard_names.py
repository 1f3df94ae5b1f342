"""The names of models and fields are the field's standard words: metadata only."""

import django.db.models.deletion
from django.db import migrations, models

from hub.migrations._permissions import rename_permissions


class Migration(migrations.Migration):
    dependencies = [
        ("notices", "0004_quiet_hours_and_digests"),
        ("hub", "0010_standard_names"),
    ]

    operations = [
        migrations.RenameModel(old_name="MailChoice", new_name="MailPreference"),
        migrations.RenameModel(
            old_name="ConnectionMailChoice", new_name="ConnectionMailPreference"
        ),
        migrations.RenameModel(old_name="MailHours", new_name="QuietHours"),
        rename_permissions(
            "notices",
            {
                "mailchoice": "mailpreference",
                "connectionmailchoice": "connectionmailpreference",
                "mailhours": "quiethours",
            },
        ),
        migrations.RenameField(model_name="mailpreference", old_name="wanted", new_name="enabled"),
        migrations.RenameField(
            model_name="connectionmailpreference", old_name="wanted", new_name="enabled"
        ),
        migrations.RenameField(model_name="notice", old_name="tell_at", new_name="next_mail_at"),
        migrations.RenameField(model_name="notice", old_name="turn", new_name="reminder_number"),
        migrations.RenameField(
            model_name="notice", old_name="to_publish", new_name="event_pending"
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveIndex(model_name="notice", name="notices_to_tell"),
                migrations.RemoveIndex(model_name="notice", name="notices_to_publish"),
                migrations.AddIndex(
                    model_name="notice",
                    index=models.Index(
                        condition=models.Q(("next_mail_at__isnull", False)),
                        fields=["next_mail_at"],
                        name="notices_to_tell",
                    ),
                ),
                migrations.AddIndex(
                    model_name="notice",
                    index=models.Index(
                        condition=models.Q(("event_pending", True)),
                        fields=["id"],
                        name="notices_to_publish",
                    ),
                ),
            ]
        ),
        migrations.AlterModelOptions(
            name="quiethours",
            options={
                "base_manager_name": "unscoped",
                "default_manager_name": "unscoped",
                "verbose_name_plural": "quiet hours",
            },
        ),
        migrations.AlterField(
            model_name="connectionmailpreference",
            name="connection",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="mail_preferences",
                to="connections.connection",
            ),
        ),
        migrations.AlterField(
            model_name="connectionmailpreference",
            name="membership",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="connection_mail_preferences",
                to="tenants.membership",
            ),
        ),
        migrations.AlterField(
            model_name="mailpreference",
            name="membership",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="mail_preferences",
                to="tenants.membership",
            ),
        ),
        migrations.AlterField(
            model_name="quiethours",
            name="membership",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="quiet_hours",
                to="tenants.membership",
            ),
        ),
    ]
