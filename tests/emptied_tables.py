"""Empty the tables that a transactional test has filled, and no others.

Django's flush empties all tables and has each app fill in its content types and permissions again.
Here these rows stay; where a test has changed them, Django's flush restores them.
"""

from django.core.management import call_command
from django.db import connection, transaction

MIGRATED = ("django_content_type", "auth_permission", "hub_keycanary")  # filled by migrate
HISTORY = "django_migrations"
APPEND_ONLY = "hub_auditrow"  # PostgreSQL refuses to delete its rows


class TableEmptier:
    """Empties tables as TransactionTestCase does at the end of a test; made after migrate."""

    def __init__(self):
        names = connection.introspection.django_table_names(only_existing=True, include_views=False)
        self.names = sorted({*names} - {*MIGRATED, HISTORY})
        self.migrated_rows = read_migrated_rows()

    def empty(self):
        if read_migrated_rows() == self.migrated_rows:
            empty_tables(find_filled_tables(self.names))
        else:
            call_command("flush", verbosity=0, interactive=False, reset_sequences=False)
            self.migrated_rows = read_migrated_rows()


def read_migrated_rows():
    with connection.cursor() as cursor:
        tables = []
        for name in MIGRATED:
            cursor.execute(f"SELECT * FROM {name} ORDER BY id")
            tables.append(cursor.fetchall())
    return tables


def find_filled_tables(names):
    parts = (f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return [name for (name,) in cursor.fetchall()]


def empty_tables(names):
    """Empty them in any order, as foreign keys are checked at the end of a transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        for name in sorted(names, key=lambda name: name != APPEND_ONLY):
            is_guarded = name == APPEND_ONLY and connection.vendor == "postgresql"
            cursor.execute(f"{'TRUNCATE' if is_guarded else 'DELETE FROM'} {name}")
