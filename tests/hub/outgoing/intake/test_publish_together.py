"""Events that are told in one transaction do not suffer for each other, whatever the database
says.
"""

import time
from contextlib import contextmanager
from threading import Event as Signal
from threading import Thread

import pytest
from django.db import OperationalError, connections, transaction
from django.db import connection as database

from hub.db.group_commit import GroupCommit
from hub.outgoing.intake.event_input import EventInput
from hub.outgoing.intake.publish import publish_independently
from hub.outgoing.models import Event
from tenants.models import Tenant
from tenants.services.tenant_actions import lock_tenant
from tests.factories import NOON, ORDER

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        database.vendor != "postgresql", reason="one writer at a time, and no line to lose"
    ),
]

LONG = 10  # seconds, at most


@pytest.fixture
def tenants(make):
    return make.tenant("acme"), make.tenant("globex")


@contextmanager
def open_transaction(takes):
    """Is in a transaction of their own meanwhile."""
    signal, over = Signal(), Signal()

    def stay():
        with transaction.atomic():
            takes()
            signal.set()
            over.wait(LONG)
        connections.close_all()

    thread = Thread(target=stay, daemon=True)
    thread.start()
    assert signal.wait(LONG)
    yield
    over.set()
    thread.join(LONG)


def publish_events(*tenants):
    return publish_independently(
        [EventInput(tenant, "order.created", ORDER) for tenant in tenants], source="api", now=NOON
    )


def count_events(tenant):
    return Event.unscoped.filter(tenant=tenant).count()


def test_a_tenant_whose_row_is_held_holds_up_no_other(tenants):
    acme, globex = tenants
    with open_transaction(lambda: Tenant.objects.select_for_update().get(pk=acme.pk)):
        start = time.monotonic()
        with pytest.raises(OperationalError, match="lock timeout"):
            publish_events(acme, globex)
        assert time.monotonic() - start < 3 and (count_events(acme), count_events(globex)) == (
            0,
            0,
        )  # then each goes alone
        publish_events(globex)
        assert count_events(globex) == 1
    publish_events(acme)
    assert count_events(acme) == 1


def test_a_tenant_whose_people_are_changed_takes_events_meanwhile(tenants):
    with open_transaction(lambda: lock_tenant(tenants[0])):
        publish_events(*tenants)
    assert [count_events(tenant) for tenant in tenants] == [1, 1]


@pytest.fixture
def line_that_breaks(tenants):
    """The database ends the line in the middle of a commit that stores an event."""
    with database.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
        )
        cursor.execute(
            "CREATE CONSTRAINT TRIGGER hang_up AFTER INSERT ON outgoing_event"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hang_up()"
        )
    yield
    with database.cursor() as cursor:
        cursor.execute("DROP TRIGGER hang_up ON outgoing_event")
        cursor.execute("DROP FUNCTION hang_up()")


def test_after_a_commit_without_an_answer_no_event_is_published_again(tenants, line_that_breaks):
    batches = []

    def work(items):
        batches.append(items)
        return publish_events(*items)

    answers = work(tenants)
    assert [type(answer) for answer in answers] == [OperationalError] * 2
    with pytest.raises(OperationalError):
        GroupCommit(work, max_batch=10)(tenants[0])
    assert len(batches) == 2
