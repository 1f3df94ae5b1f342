"""Rows that all tests of a module share, where they take longer to make than each test takes.

A test undoes what it changes, as every test with the fixture `db` does; its transaction is a
savepoint in that of the shared rows, which is rolled back after the last one.
"""

import contextlib

from django.db import transaction

from hub.db.clock import clock
from tests.factories import Factories

FIRST_NUMBER = 1_000_000  # the rows of a test are numbered from 1


@contextlib.contextmanager
def shared_rows(django_db_blocker):
    """Yield factories for a fixture of the scope `module`, which needs `django_db_setup`."""
    with django_db_blocker.unblock(), transaction.atomic():
        clock.synchronize()
        yield Factories(first_number=FIRST_NUMBER)
        transaction.set_rollback(True)
