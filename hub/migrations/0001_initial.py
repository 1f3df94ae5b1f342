"""The tables of the hub itself; the database refuses to change or delete an audit row."""

from django.db import migrations, models

import hub.crypto.sealed
import hub.db.ids

REFUSAL = "An audit row is never changed and never deleted."

GUARD = {
    "postgresql": (
        f"""
        CREATE FUNCTION hub_audit_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = '{REFUSAL}';
        END $$
        """,
        """
        CREATE TRIGGER hub_audit_is_append_only BEFORE UPDATE OR DELETE ON hub_auditrow
            FOR EACH ROW EXECUTE FUNCTION hub_audit_refuses()
        """,
    ),
    "sqlite": (
        f"""
        CREATE TRIGGER hub_audit_is_not_changed BEFORE UPDATE ON hub_auditrow
            BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END
        """,
        f"""
        CREATE TRIGGER hub_audit_is_not_deleted BEFORE DELETE ON hub_auditrow
            BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END
        """,
    ),
}

LIFT = {
    "postgresql": (
        "DROP TRIGGER IF EXISTS hub_audit_is_append_only ON hub_auditrow",
        "DROP FUNCTION IF EXISTS hub_audit_refuses()",
    ),
    "sqlite": (
        "DROP TRIGGER IF EXISTS hub_audit_is_not_changed",
        "DROP TRIGGER IF EXISTS hub_audit_is_not_deleted",
    ),
}


def guard(apps, schema_editor):
    for statement in GUARD[schema_editor.connection.vendor]:
        schema_editor.execute(statement, params=None)


def lift(apps, schema_editor):
    for statement in LIFT[schema_editor.connection.vendor]:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AuditHead",
            fields=[
                ("chain", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("number", models.PositiveBigIntegerField(default=0)),
                ("hash", models.CharField(blank=True, max_length=64)),
                ("sealed", hub.crypto.sealed.SealedField(editable=False, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Cached",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("value", models.JSONField()),
                ("ends_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                ("name", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Replacement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_index=True)),
                ("host", models.CharField(max_length=120)),
                ("pool", models.PositiveIntegerField()),
                ("why", models.CharField(max_length=20)),
                ("code", models.SmallIntegerField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="SweepFailure",
            fields=[
                ("step", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("error", models.CharField(max_length=80)),
                ("since", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="WakeUp",
            fields=[
                ("name", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("requested_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Worker",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("host", models.CharField(max_length=120)),
                ("pid", models.PositiveIntegerField()),
                ("pid_namespace", models.CharField(db_default="", default="", max_length=80)),
                ("pool", models.PositiveIntegerField(null=True)),
                ("started_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("pumps", models.PositiveSmallIntegerField(db_default=1, default=1)),
                ("pool_since", models.DateTimeField(null=True)),
                ("heard_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="AuditRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("chain", models.CharField(max_length=40)),
                ("number", models.PositiveBigIntegerField()),
                ("at", models.DateTimeField(db_index=True)),
                ("actor_kind", models.CharField(max_length=20)),
                ("actor_id", models.CharField(blank=True, max_length=100)),
                ("actor_label", models.CharField(max_length=200)),
                ("acting_for", models.CharField(blank=True, max_length=200)),
                ("tenant", models.UUIDField(help_text="The public id of the tenant.", null=True)),
                ("tenant_reference", models.CharField(blank=True, max_length=100)),
                ("verb", models.CharField(max_length=100)),
                ("object_label", models.CharField(max_length=200)),
                ("object_id", models.CharField(max_length=100)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
                ("request_id", models.CharField(blank=True, max_length=100)),
                ("ip", models.CharField(blank=True, max_length=45, verbose_name="IP address")),
                (
                    "previous",
                    models.CharField(
                        blank=True, help_text="The hash of the row before it.", max_length=64
                    ),
                ),
                (
                    "hash",
                    models.CharField(help_text="SHA-256 of all the other fields.", max_length=64),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["tenant", "-at"], name="audit_of_a_tenant"),
                    models.Index(
                        fields=["object_label", "object_id", "-at"], name="audit_of_an_object"
                    ),
                    models.Index(fields=["request_id"], name="audit_of_a_request"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("chain", "number"), name="one_audit_row_per_number"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="KeyCanary",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False),
                ),
                ("sealed", hub.crypto.sealed.SealedField(editable=False)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="one_canary")
                ],
            },
        ),
        migrations.CreateModel(
            name="Mail",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.UUIDField(default=hub.db.ids.uuid7, editable=False, unique=True),
                ),
                ("to", models.CharField(db_index=True, max_length=320)),
                ("kind", models.CharField(max_length=80)),
                ("about", models.CharField(blank=True, db_index=True, max_length=80)),
                ("sealed", hub.crypto.sealed.SealedField(editable=False, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("sent", "Sent"), ("failed", "Failed")],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=60)),
                ("attempt_count", models.PositiveSmallIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                ("due_at", models.DateTimeField(null=True)),
                ("until", models.DateTimeField()),
                ("sent_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["due_at", "id"],
                        name="mails_waiting",
                    ),
                    models.Index(
                        condition=models.Q(("state", "failed")), fields=["id"], name="mails_failed"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Tally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=40)),
                ("label", models.CharField(blank=True, max_length=60)),
                ("value", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("name", "label"), name="one_tally")
                ],
            },
        ),
        migrations.RunPython(guard, lift),
    ]
