"""The names of models and fields are the field's standard words: metadata only, no row is read or written."""

import django.db.models.deletion
from django.db import migrations, models

from hub.migrations._permissions import rename_permissions


def in_state(*operations):
    """Change what Django knows of indexes and constraints: the database has renamed their columns by itself."""
    return migrations.SeparateDatabaseAndState(state_operations=list(operations))


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0013_login_hosts"),
        ("hub", "0010_standard_names"),
    ]

    operations = [
        migrations.RenameModel(old_name="Wish", new_name="ConnectorRequest"),
        migrations.RenameModel(old_name="Switch", new_name="KillSwitch"),
        rename_permissions("connections", {"wish": "connectorrequest", "switch": "killswitch"}),
        migrations.RenameField(
            model_name="connection", old_name="connector", new_name="connector_key"
        ),
        migrations.RenameField(
            model_name="connectorapp", old_name="connector", new_name="connector_key"
        ),
        migrations.RenameField(
            model_name="authorization", old_name="connector", new_name="connector_key"
        ),
        migrations.RenameField(
            model_name="connectlink", old_name="connector", new_name="connector_key"
        ),
        migrations.RenameField(
            model_name="revocation", old_name="connector", new_name="connector_key"
        ),
        migrations.RenameField(
            model_name="maintenancewindow", old_name="connector", new_name="connector_key"
        ),
        migrations.RenameField(
            model_name="killswitch", old_name="connector", new_name="connector_key"
        ),
        migrations.RenameField(model_name="killswitch", old_name="by", new_name="activated_by"),
        migrations.RenameField(model_name="killswitch", old_name="since", new_name="activated_at"),
        migrations.RenameField(model_name="killswitch", old_name="until", new_name="expires_at"),
        migrations.RenameField(model_name="connection", old_name="says", new_name="detail"),
        migrations.RenameField(
            model_name="connection", old_name="ended_says", new_name="ended_detail"
        ),
        migrations.RenameField(
            model_name="connection", old_name="since", new_name="state_changed_at"
        ),
        migrations.RenameField(model_name="lane", old_name="turn", new_name="virtual_time"),
        migrations.RenameField(model_name="lane", old_name="held", new_name="hold_reason"),
        migrations.RenameField(model_name="lane", old_name="off", new_name="switched_off_by"),
        migrations.RenameField(model_name="lane", old_name="opened", new_name="breaker_trips"),
        migrations.RenameField(model_name="lane", old_name="went_well", new_name="success_score"),
        migrations.RenameField(model_name="lane", old_name="went_wrong", new_name="failure_score"),
        migrations.RenameField(model_name="lane", old_name="weighed_at", new_name="scored_at"),
        migrations.RenameField(
            model_name="credential", old_name="lives", new_name="token_lifetimes"
        ),
        migrations.RenameField(
            model_name="credential", old_name="ends_at", new_name="grant_expires_at"
        ),
        migrations.RenameField(
            model_name="credential", old_name="refresh_at", new_name="refresh_due_at"
        ),
        migrations.RenameField(
            model_name="credential", old_name="refused_at", new_name="rejected_at"
        ),
        migrations.RenameField(
            model_name="credential", old_name="asked_at", new_name="refresh_started_at"
        ),
        migrations.RenameField(
            model_name="credential", old_name="refreshing_until", new_name="refresh_lease_until"
        ),
        migrations.RenameField(
            model_name="credential",
            old_name="unsure_since",
            new_name="refresh_outcome_unknown_since",
        ),
        migrations.RenameField(
            model_name="credential", old_name="failures", new_name="refresh_failures"
        ),
        migrations.RenameField(model_name="credentialevent", old_name="says", new_name="detail"),
        migrations.RenameField(model_name="authorization", old_name="says", new_name="detail"),
        migrations.RenameField(model_name="revocation", old_name="tries", new_name="attempt_count"),
        migrations.RenameField(
            model_name="quotaqueue", old_name="background", new_name="low_priority"
        ),
        in_state(
            migrations.RemoveIndex(model_name="connection", name="connection_by_state"),
            migrations.RemoveConstraint(model_name="connection", name="one_per_account"),
            migrations.RemoveIndex(model_name="lane", name="lanes_by_turn"),
            migrations.RemoveIndex(model_name="credential", name="credentials_to_refresh"),
            migrations.RemoveIndex(model_name="credential", name="credentials_by_end"),
            migrations.RemoveConstraint(model_name="quotaqueue", name="one_queue_per_scopes"),
            migrations.AddIndex(
                model_name="connection",
                index=models.Index(fields=["connector_key", "state"], name="connection_by_state"),
            ),
            migrations.AddConstraint(
                model_name="connection",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("account", ""), _negated=True),
                    fields=("tenant", "connector_key", "account"),
                    name="one_per_account",
                ),
            ),
            migrations.AddIndex(
                model_name="lane",
                index=models.Index(
                    condition=models.Q(("due_at__isnull", False)),
                    fields=["virtual_time"],
                    name="lanes_by_turn",
                ),
            ),
            migrations.AddIndex(
                model_name="credential",
                index=models.Index(
                    condition=models.Q(("refresh_due_at__isnull", False)),
                    fields=["refresh_due_at"],
                    name="credentials_to_refresh",
                ),
            ),
            migrations.AddIndex(
                model_name="credential",
                index=models.Index(
                    condition=models.Q(("grant_expires_at__isnull", False)),
                    fields=["grant_expires_at"],
                    name="credentials_by_end",
                ),
            ),
            migrations.AddConstraint(
                model_name="quotaqueue",
                constraint=models.UniqueConstraint(
                    fields=("connection", "low_priority", "digest"), name="one_queue_per_scopes"
                ),
            ),
        ),
        migrations.AlterField(
            model_name="connectorrequest",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="connector_requests",
                to="tenants.tenant",
            ),
        ),
        migrations.AlterField(
            model_name="killswitch",
            name="tenant",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="kill_switches",
                to="tenants.tenant",
            ),
        ),
    ]
