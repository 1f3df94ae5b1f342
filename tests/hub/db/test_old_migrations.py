"""A database of the migrations before version 0.5.0 goes on if all of them have changed it, and is
refused unchanged if not.
"""

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from hub.db.old_migrations import EARLY, LAST

pytestmark = pytest.mark.django_db
NEW = [("connections", "0002_kill_switches"), ("portal", "0001_initial")]  # of no old database
OLD = {EARLY, ("connections", "0002_breaker_and_switches"), ("portal", "0001_saved_views")} | LAST


@pytest.fixture
def recorder():
    """Of a database with all of the old migrations."""
    recorder = MigrationRecorder(connection)
    for migration in NEW:
        recorder.record_unapplied(*migration)
    recorder.migration_qs.filter(app="connections", name="0002_breaker_and_switches").delete()
    recorder.migration_qs.filter(app="portal", name="0001_saved_views").delete()
    for migration in OLD:
        recorder.record_applied(*migration)
    return recorder


def migrate(**options):
    call_command("migrate", skip_checks=False, verbosity=0, **options)


def test_a_database_with_all_of_them_goes_on_and_no_table_is_made_again(recorder):
    migrate(check_unapplied=True)
    migrate()
    assert recorder.applied_migrations().keys() >= {*OLD, *NEW}


@pytest.mark.parametrize("is_check", [True, False])
@pytest.mark.parametrize("missing", sorted(LAST))
def test_a_database_that_lacks_one_is_refused_unchanged(recorder, missing, is_check):
    recorder.record_unapplied(*missing)
    before = recorder.applied_migrations().keys()
    with pytest.raises(SystemCheckError, match=r"early version[\s\S]*{}\.{}".format(*missing)):
        migrate(check_unapplied=is_check)
    assert recorder.applied_migrations().keys() == before


def test_a_new_database_is_migrated():
    migrate(check_unapplied=True)
