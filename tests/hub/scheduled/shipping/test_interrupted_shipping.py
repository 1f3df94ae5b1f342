"""Kills, restarts and lost leases while lines are shipped."""

from collections import Counter

import pytest

from hub.scheduled.models import LogPosition, Run
from hub.scheduled.runs.context import RunFailed, RunStopped
from tests.hub.scheduled.logs import entries, store_lines
from tests.hub.scheduled.shipping.splunk_run import (
    EVENT,
    Killed,
    make_another_run,
    position,
    read_body,
    ship,
    ship_until_finished,
)

pytestmark = pytest.mark.django_db
SMALL = {"batch_bytes": 1_000}  # about 12 lines


def test_what_a_restart_forgot_is_sent_again(acme, start):
    context = start({"ack": True, "ack_after": 5}, **SMALL)
    store_lines(acme, *entries(40))
    context.kill_at = 3
    with pytest.raises(Killed):
        ship(context)
    context.splunk.system.restart("acme", 0, context.time.timestamp())
    assert context.splunk.lines() == []
    context.kill_at = None
    ship(context)
    assert set(context.splunk.lines()) == set(range(40))
    assert position().shipped_line == 40


def test_a_ticket_of_the_restarted_server_does_not_stand_for_an_earlier_batch(acme, start):
    """Tickets count from 0 again: the first batch must not be taken as acknowledged by it."""
    context = start({"ack": True, "ack_after": 5}, **SMALL)
    store_lines(acme, *entries(40))
    restarted = []
    original = context.sleep

    async def restart_once(seconds):
        await original(seconds)
        if not restarted and context.splunk.lines():
            restarted.append(context.splunk.lines())
            context.splunk.system.restart("acme", 0, context.time.timestamp())

    context.sleep = restart_once
    store_lines(acme, *entries(3), key="later", now=context.time)
    ship(context)
    assert restarted
    assert set(context.splunk.lines()) == set(range(43))


@pytest.mark.parametrize("token", [{}, {"ack": True}], ids=["final", "acknowledged"])
@pytest.mark.parametrize("kills", [(1,), (2,), (3,), (2, 2), (1, 3, 2), (4, 1, 1)])
def test_a_kill_loses_no_line_and_repeats_at_most_its_batch(acme, start, token, kills):
    context = start(token, **SMALL)
    store_lines(acme, *entries(60))
    ship_until_finished(context, kills=kills)
    counts = Counter(context.splunk.lines())
    assert set(counts) == set(range(60))
    batch = max(len(read_body(r)) for r in context.splunk.requests if r.path.endswith(EVENT))
    assert counts.total() - 60 <= batch * len(kills)
    assert position().shipped_line == 60


def test_a_log_is_shipped_by_one_run_of_a_job_at_a_time(acme, start):
    context = start()
    store_lines(acme, *entries(5))
    other = make_another_run(context.job, acme)
    LogPosition.unscoped.update(run=other)
    with pytest.raises(RunFailed, match=str(other.job_id)):
        ship(context)
    Run.unscoped.filter(pk=other.pk).update(state="finished")
    ship(context)
    assert context.splunk.lines() == [0, 1, 2, 3, 4]


def test_a_run_that_lost_its_log_changes_nothing(acme, start):
    context = start(**SMALL)
    store_lines(acme, *entries(30))
    stolen = make_another_run(context.job, acme)
    call = context.call

    async def steal_and_call(*arguments):
        LogPosition.unscoped.update(run=stolen)
        return await call(*arguments)

    context.call = steal_and_call
    with pytest.raises(RunStopped):
        ship(context)
    assert position().shipped_line == 0


def test_the_next_run_continues_where_the_last_one_ended(acme, start):
    context = start()
    store_lines(acme, *entries(5))
    ship(context)
    store_lines(acme, *entries(5, first=5), key="more")
    context.run = make_another_run(context.job, acme)
    assert ship(context)["lines"] == 5
    assert context.splunk.lines() == list(range(10))
