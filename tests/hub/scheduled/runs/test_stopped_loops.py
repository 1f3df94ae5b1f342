"""A loop that is stopped while another one takes over its run sends nothing more when it wakes."""

import asyncio
import time
from datetime import timedelta

import pytest

from hub.egress import RequestWithdrawn
from hub.egress.send_condition import may_send
from hub.processes.db_thread import in_db_thread
from hub.processes.leases import new_lease
from hub.processes.loop_slots import release_slot
from hub.scheduled.models import Run
from hub.scheduled.runs import claim
from tests.hub.scheduled.run_helpers import Network, Time, job_of, read_three_pages, run_due, run_of

pytestmark = pytest.mark.corrections(item="3.3")


class SlowNetwork(Network):
    """A call asks before it is written, as the client does; before the first one the process is
    stopped for a while.
    """

    def __init__(self, clock, seconds, in_the_meantime=lambda now: None):
        super().__init__()
        self.clock, self.stopped_for = clock, timedelta(seconds=seconds)
        self.in_the_meantime = in_the_meantime
        self.asked = 0

    async def __call__(self, request):
        self.asked += 1
        if self.asked == 1:
            self.clock.now += self.stopped_for
            await in_db_thread(self.in_the_meantime, self.clock.now)
        if not may_send.get()():
            raise RequestWithdrawn
        return await super().__call__(request)


@pytest.fixture
def run(make, slack_connection, run_reports):
    run_reports(read_three_pages)
    return run_of(make, job_of(make, slack_connection.tenant))


def test_a_loop_that_wakes_after_its_lease_sends_nothing_and_leaves_the_run_alone(run):
    other, clock = new_lease(), Time()

    def take_over(now):
        claim.recover_runs(now=now)
        claim.claim_runs(1, other, now=now)

    network = run_due(SlowNetwork(clock, 31, take_over), clock=clock)
    run.refresh_from_db()
    assert (network.asked, network.requests) == (1, [])
    assert (run.state, run.lease, run.cursor) == ("running", other, {})


def test_a_run_that_no_loop_took_over_goes_on(run):
    clock = Time()
    network = run_due(SlowNetwork(clock, 31), clock=clock)
    run.refresh_from_db()
    assert (network.asked, len(network.requests)) == (4, 3)
    assert (run.state, run.attempt_count) == ("finished", 1)


def test_a_loop_whose_slot_was_lost_claims_no_more_runs(make, run, run_reports):
    lease = new_lease()

    async def lose_slot(context):
        await in_db_thread(release_slot, lease)
        await asyncio.sleep(0.2)
        await in_db_thread(run_of, make, run.job)
        return {}

    run_reports(lose_slot)
    run_due(lease=lease, extend_every=0.02, idle_seconds=1.0)
    assert sorted(Run.unscoped.values_list("state", flat=True)) == ["finished", "waiting"]


def test_a_loop_whose_slot_was_lost_makes_room_after_its_last_run(run, run_reports):
    lease, ended_at = new_lease(), []

    async def lose_slot(context):
        await in_db_thread(release_slot, lease)
        await asyncio.sleep(0.2)
        ended_at.append(time.monotonic())
        return {}

    run_reports(lose_slot)
    run_due(lease=lease, extend_every=0.02, idle_seconds=8.0)
    assert time.monotonic() < ended_at[0] + 4


def test_a_call_within_the_lease_is_sent(run):
    clock = Time()
    network = run_due(SlowNetwork(clock, 20), clock=clock)
    run.refresh_from_db()
    assert (network.asked, len(network.requests), run.state) == (3, 3, "finished")
