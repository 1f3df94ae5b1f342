"""Transactions that change deliveries lock their lanes first, as a claim does: no deadlock."""

from uuid import uuid4

import pytest
from django.db import connection as database
from django.db import transaction

from hub.connections.models import Lane
from hub.db.state_machine import InvalidTransition
from hub.outgoing.models import Delivery, Route
from hub.outgoing.operations.erase import erase_batch, erase_connection_data
from hub.outgoing.pump.claiming.batch_sizing import BatchSizing
from hub.outgoing.pump.claiming.claim import claim_lanes
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from hub.outgoing.queue.ordering import promote_followers
from hub.outgoing.release import release_held_deliveries
from tests.factories import NOON
from tests.hub.outgoing.operating import LATER, STAFF, apply_action
from tests.row_locks import run_beside

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(database.vendor != "postgresql", reason="SQLite has one writer at a time"),
]


@pytest.fixture
def queue(make):
    """Two deliveries of an ordered route, the second behind the first."""
    connection = make.connection()
    return [make.delivery(connection, ordered=True) for _ in range(2)]


def claim():
    claim_lanes(uuid4(), ConfigCache(), BatchSizing(), check_lease=lambda: None, now=LATER)


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_a_person_changes_a_delivery_while_a_claim_takes_it(queue, action):
    head, _ = queue
    Delivery.unscoped.filter(pk=head.pk).update(due_at=NOON)

    def act():
        with pytest.raises(InvalidTransition):  # the claim was first
            apply_action(action, Delivery.unscoped.get(pk=head.pk))

    run_beside(lambda: Lane.lock(head.connection_id), act, claim)
    head.refresh_from_db()
    assert head.state == "sending"


def test_a_person_does_not_wait_for_a_delivery_that_is_being_settled(queue):
    head, follower = queue
    Delivery.unscoped.filter(pk=head.pk).update(state="sending")

    def settle():
        Delivery.unscoped.filter(pk=head.pk).update(state="delivered", due_at=None)

    def act():
        with pytest.raises(InvalidTransition):
            apply_action("cancel", Delivery.unscoped.get(pk=head.pk))

    run_beside(settle, act, lambda: promote_followers([head.pk], now=LATER), waits=False)
    follower.refresh_from_db()
    assert follower.due_at is not None


def test_contents_are_erased_while_a_claim_takes_a_delivery(queue):
    head, follower = queue
    operation = erase_connection_data(head.connection, STAFF, cancel=True, now=NOON)

    def act():
        with transaction.atomic():
            return erase_batch(operation, 10, now=LATER)

    run_beside(lambda: Lane.lock(head.connection_id), act, claim)
    head.refresh_from_db()
    follower.refresh_from_db()
    assert (head.state, follower.state) == ("sending", "cancelled")


def test_held_deliveries_are_released_while_a_person_changes_one(queue):
    head, _ = queue
    Delivery.unscoped.filter(pk=head.pk).update(
        state="held", reason="filter_failed", due_at=None, state_changed_at=NOON
    )
    Route.unscoped.update(changed_at=LATER)

    def cancel():
        apply_action("cancel", head)

    run_beside(
        lambda: Lane.lock(head.connection_id), lambda: release_held_deliveries(now=LATER), cancel
    )
    head.refresh_from_db()
    assert head.state == "cancelled"
