"""Which lanes a claim takes when more is due than it may hold."""

from datetime import timedelta
from uuid import uuid4

import pytest

from hub.connections.models import Lane
from hub.outgoing.models import Delivery
from hub.outgoing.pump.claiming.batch_sizing import (
    LANE_SIZE_REMEMBERED_FOR,
    LARGE_BUDGET,
    SMALL_BUDGET,
    SMALL_BUDGET_FOR,
    BatchSizing,
)
from hub.outgoing.pump.claiming.claim import claim_lanes, recover_held_lanes
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from hub.outgoing.pump.settling.release_lanes import release_lanes
from tests.factories import MINUTE, NOON
from tests.hub.outgoing.delivery_states import simulate_pump_crash

pytestmark = pytest.mark.django_db
SOON = NOON + timedelta(seconds=1)


def claim_connections(now, sizing=None):
    """The lanes in the order in which they are served, each given back at once."""
    lease = uuid4()
    claimed_lanes = claim_lanes(
        lease, ConfigCache(), sizing or BatchSizing(), check_lease=lambda: None, now=now
    )
    Delivery.unscoped.filter(lease=lease).update(state="delivered", lease=None, due_at=None)
    release_lanes(lease, [claimed_lane.lane.pk for claimed_lane in claimed_lanes], now=now)
    return [claimed_lane.connection for claimed_lane in claimed_lanes]


def test_a_lane_with_few_deliveries_is_claimed_before_one_with_many(make):
    loud, quiet = make.connection(), make.connection()
    for _ in range(9):  # more than a batch of eight
        make.delivery(loud)
    make.delivery(quiet)
    assert claim_connections(NOON) == [loud, quiet]
    make.delivery(quiet, now=SOON)
    assert claim_connections(SOON) == [quiet, loud]


def test_a_lane_with_many_deliveries_is_claimed_in_the_end(make):
    loud, quiet = make.connection(), make.connection()
    for _ in range(60):
        make.delivery(loud)
    sizing = BatchSizing(
        {loud.pk: 12, quiet.pk: 12},
        small_lane_until=SOON + LANE_SIZE_REMEMBERED_FOR,
        large_lane_until=SOON + LANE_SIZE_REMEMBERED_FOR,
    )
    assert claim_connections(NOON, sizing) == [loud]  # 48 deliveries fill that claim
    moments = [NOON + timedelta(seconds=0.5) * number for number in range(1, 30)]
    served = []
    for now in moments:
        make.delivery(quiet, now=now)
        served += claim_connections(now, sizing)
    assert served[:3] == [quiet] * 3 and loud in served


def test_claims_are_small_while_a_small_lane_is_active_beside_a_backlog(make):
    loud, quiet, sizing = make.connection(), make.connection(), BatchSizing()
    for _ in range(30):
        make.delivery(loud)
    claim_connections(NOON, sizing)
    assert sizing.claim_budget(now=NOON) == LARGE_BUDGET  # a backlog, and nothing else
    make.delivery(quiet, now=SOON)
    assert claim_connections(SOON, sizing) == [quiet, loud]
    assert sizing.claim_budget(now=SOON) == SMALL_BUDGET
    assert sizing.claim_budget(now=SOON + LANE_SIZE_REMEMBERED_FOR) == LARGE_BUDGET


def test_a_new_backlog_beside_a_small_lane_makes_claims_small_at_once(make):
    loud, quiet, sizing = make.connection(), make.connection(), BatchSizing()
    make.delivery(quiet)
    assert claim_connections(NOON, sizing) == [quiet]
    for _ in range(30):
        make.delivery(loud, now=SOON)
    assert claim_connections(SOON, sizing) == [loud]
    assert sizing.claim_budget(now=SOON) == SMALL_BUDGET


def test_a_pump_that_has_seen_nothing_is_careful_for_a_moment():
    sizing = BatchSizing.for_new_pump(now=NOON)
    assert sizing.claim_budget(now=NOON) == SMALL_BUDGET
    assert sizing.claim_budget(now=NOON + SMALL_BUDGET_FOR) == LARGE_BUDGET


def test_the_end_of_a_backlog_is_not_little(make):
    loud, sizing = make.connection(), BatchSizing()
    for _ in range(5):  # more than may be in flight, and less than a batch may hold
        make.delivery(loud)
    assert claim_connections(NOON, sizing) == [loud]
    assert sizing.small_lane_until < NOON < sizing.large_lane_until


def test_many_small_lanes_share_a_large_claim(make):
    sizing = BatchSizing()
    lanes = [make.connection() for _ in range(3)]
    for connection in lanes:
        make.delivery(connection)
    assert claim_connections(NOON, sizing) == lanes
    assert sizing.claim_budget(now=NOON) == LARGE_BUDGET


def test_what_waits_beside_a_lane_that_is_served_keeps_its_lane_due(make):
    loud = make.connection()
    for _ in range(9):
        make.delivery(loud)
    claim_connections(NOON)
    assert Lane.unscoped.get(pk=loud.pk).due_at is not None


def test_what_a_dead_pump_was_sending_on_a_held_lane_does_not_stay_sending(make):
    delivery, alive = make.delivery(), make.delivery()
    simulate_pump_crash(delivery)
    simulate_pump_crash(alive, at=NOON + 2 * MINUTE)  # its lease has not expired
    for row in (delivery, alive):
        row.connection.pause("stocktaking", until=None, now=NOON)
    recover_held_lanes(now=NOON)
    for row in (delivery, alive):
        row.refresh_from_db()
    assert (delivery.state, delivery.reason, delivery.crash_count) == ("waiting", "crashed", 1)
    assert Lane.unscoped.get(pk=delivery.connection_id).lease is None
    assert alive.state == "sending"
