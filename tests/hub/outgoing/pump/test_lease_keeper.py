"""Until when a pump may send on a lane: from before its claim, or from its last extension."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError

from hub.connections.models import LANE_LEASES, Lane
from hub.outgoing.models import Delivery
from hub.outgoing.pump.lease_keeper import SAFE_LEASE, LeaseEnded, LeaseKeeper
from hub.processes import loop_slots
from hub.processes.db_thread import run_with_loop
from tests.factories import NOON
from tests.hub.metrics.stored_counts import counts_by_label
from tests.hub.outgoing.pump.builders import build_pump_loop, build_run

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


class SteppingClock:
    """A clock that goes on by `step` with each reading, as during slow statements."""

    def __init__(self):
        self.now, self.step, self.readings_before_outage = NOON, timedelta(0), -2

    def __call__(self):
        self.readings_before_outage -= 1
        if self.readings_before_outage == -1:
            raise DatabaseError("the statement failed")
        self.now += self.step
        return self.now


@pytest.fixture
def clock():
    return SteppingClock()


@pytest.fixture
def pump_loop(make, clock):
    make.delivery()
    return build_pump_loop(clock)


def claim(pump_loop):
    (batch,), _ = run_with_loop(pump_loop.claimer.claim_and_prepare)
    pump_loop.lease_keeper.add_batch(batch)
    return batch.batch


def test_a_lease_counts_from_before_the_claim_in_the_databases_time(pump_loop, clock):
    clock.step = SECOND  # for each step of the claim
    batch = claim(pump_loop)
    clock.step = timedelta(0)
    lease_until = Lane.unscoped.get().lease_until
    assert batch.leased_at == lease_until - LANE_LEASES.lasts < clock.now
    clock.now = batch.leased_at + SAFE_LEASE
    assert pump_loop.lease_keeper.is_lease_safe(batch)
    clock.now += SECOND
    assert clock.now < lease_until and not pump_loop.lease_keeper.is_lease_safe(batch)


def test_an_extension_counts_for_the_lanes_that_it_extended(pump_loop, clock):
    batch, keeper = claim(pump_loop), pump_loop.lease_keeper
    clock.now += 9 * SECOND
    run_with_loop(keeper.extend_leases)
    clock.now += SAFE_LEASE
    assert keeper.is_lease_safe(batch)
    assert Lane.unscoped.get().lease_until == clock.now - SAFE_LEASE + LANE_LEASES.lasts
    keeper.forget([batch.lane.pk])
    assert not keeper.is_lease_safe(batch)


@pytest.mark.corrections(item="3.3")
def test_an_extension_shows_that_another_pump_took_the_lane_over(pump_loop, clock):
    batch, keeper = claim(pump_loop), pump_loop.lease_keeper
    Lane.unscoped.update(lease=uuid4())
    clock.now += SECOND
    run_with_loop(keeper.extend_leases)
    assert not keeper.is_lease_safe(batch)
    assert keeper.leased_lanes.keys() == {batch.lane.pk}  # until its calls have ended


@pytest.mark.corrections(item="3.3")
def test_a_pump_that_slept_through_its_lease_claims_nothing(pump_loop, clock):
    clock.now += LANE_LEASES.lasts
    with pytest.raises(LeaseEnded):
        claim(pump_loop)
    assert Lane.unscoped.get().lease is None
    assert Delivery.unscoped.get().state == "waiting"


@pytest.mark.corrections(item="3.3")
def test_a_slot_that_expired_is_lost_though_its_row_is_there(clock):
    lease = uuid4()
    loop_slots.acquire_slot("pump", lease, per_worker=1, total=0, now=NOON)
    assert loop_slots.extend_slot(lease, now=NOON + 11 * SECOND)
    assert not loop_slots.extend_slot(lease, now=NOON + 24 * SECOND)
    keeper = LeaseKeeper(replace(build_run(clock), lease=lease), NOON)
    clock.now = NOON + 24 * SECOND
    run_with_loop(keeper.extend_leases)
    assert keeper.is_slot_lost


def test_the_end_of_a_pump_stores_the_counts(pump_loop):
    keeper = pump_loop.lease_keeper
    keeper.add_counts(Counter({("attempts", "delivered"): 3}))

    async def run():
        keeper.close()
        await keeper.keep_leases()
        await pump_loop.settler.settle_remaining()

    run_with_loop(run)
    assert counts_by_label("attempts") == {"delivered": 3}


def test_a_clock_jump_is_measured_again_when_its_correction_failed(pump_loop, clock):
    claimer = pump_loop.claimer
    run_with_loop(claimer.correct_clock_jump)
    before = claimer.clock_jump.last_reading
    clock.now += timedelta(hours=1)
    clock.readings_before_outage = 1  # the next but one is that of the correction
    with pytest.raises(DatabaseError):
        run_with_loop(claimer.correct_clock_jump)
    assert claimer.clock_jump.last_reading == before
    run_with_loop(claimer.correct_clock_jump)
    assert claimer.clock_jump.last_reading[0] == clock.now
