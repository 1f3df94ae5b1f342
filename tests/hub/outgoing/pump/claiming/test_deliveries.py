"""Why a due delivery is claimed or skipped; the same cases on both databases."""

from datetime import timedelta
from uuid import uuid4

import pytest

from hub.connections.models import KillSwitch, QuotaQueue
from hub.outgoing.models import Delivery, EventBody
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from hub.outgoing.pump.claiming.crash_limits import SUSPECT_CRASHES
from hub.outgoing.pump.claiming.deliveries import claim_deliveries_by_id, claim_due_deliveries
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db


def change(**columns):
    """Return a step that changes the delivery's row."""
    return lambda delivery: Delivery.unscoped.filter(pk=delivery.pk).update(**columns)


def switch_off_route(delivery):
    KillSwitch.unscoped.create(scope="route", route=delivery.route, reason="test")


def switch_off_tenant(delivery):
    KillSwitch.unscoped.create(scope="tenant", tenant=delivery.tenant, reason="test")


def stand_behind(delivery):
    """Put an earlier delivery of the same order key before this one."""
    first = Delivery.unscoped.get(pk=delivery.pk)
    first.pk, first.public_id, first.replay_number = None, uuid4(), 1
    first.position, first.state, first.reason = 1, "held", "mapping_failed"
    first.save(force_insert=True)
    change(position=2)(delivery)


def join_queue(*, opens_at):
    def join(delivery):
        queue = QuotaQueue.unscoped.create(
            connection=delivery.connection, digest="d", scopes=["s"], opens_at=opens_at, width=8
        )
        change(quota_queue=queue.pk, due_at=NOON + MINUTE)(delivery)

    return join


CASES = {
    "due": (change(), "sending", ""),
    "due later": (change(due_at=NOON + MINUTE), "waiting", ""),
    "expired": (change(expires_at=NOON), "failed", "expired"),
    "route switched off": (switch_off_route, "held", "route_off"),
    "tenant switched off": (switch_off_tenant, "held", "switched_off"),
    "behind another one": (stand_behind, "waiting", ""),
    "in an open queue": (join_queue(opens_at=NOON), "sending", ""),
    "in a closed queue": (join_queue(opens_at=NOON + MINUTE), "waiting", ""),
    "suspect": (change(crash_count=SUSPECT_CRASHES), "waiting", ""),
}


@pytest.mark.parametrize("case", CASES)
def test_a_claim_takes_what_may_be_sent_and_moves_on_the_rest(make, case):
    prepare, state, reason = CASES[case]
    delivery = make.delivery()
    prepare(delivery)
    limits = {delivery.connection_id: 8}
    claimed = claim_due_deliveries(limits, uuid4(), ConfigCache(), now=NOON)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason) == (state, reason)
    assert [row.pk for row, _ in claimed] == ([delivery.pk] if state == "sending" else [])


@pytest.mark.parametrize("case", ["expired", "route switched off", "tenant switched off"])
def test_a_claim_by_id_skips_for_the_same_reasons(make, case):
    prepare, state, reason = CASES[case]
    delivery = make.delivery()
    prepare(delivery)
    assert claim_deliveries_by_id([delivery.pk], uuid4(), ConfigCache(), now=NOON) == []
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason) == (state, reason)


def test_queued_deliveries_are_claimed_before_others_and_the_longest_due_next(make):
    connection = make.connection()
    late, early, queued = (make.delivery(connection) for _ in range(3))
    change(due_at=NOON - timedelta(seconds=1))(late)
    change(due_at=NOON - timedelta(seconds=2))(early)
    join_queue(opens_at=NOON)(queued)
    claimed = claim_due_deliveries({connection.pk: 8}, uuid4(), ConfigCache(), now=NOON)
    assert [row.pk for row, _ in claimed] == [queued.pk, early.pk, late.pk]


def test_a_delivery_whose_event_was_pruned_before_it_was_rendered_says_so(make):
    delivery = make.delivery()
    EventBody.objects.all().delete()
    pump(http := FakeHttp())
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason, http.requests) == ("held", "defect", [])
    assert delivery.detail == "the body of the event was pruned, so it cannot be rendered"
