"""The database itself refuses to change or delete an audit row."""

from django.db import migrations

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
    dependencies = [("hub", "0001_initial")]

    operations = [migrations.RunPython(guard, lift)]
