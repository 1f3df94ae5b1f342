"""Runs that did not start when they were due are spread again, and calls keep to their pace."""

import time
from datetime import timedelta

import pytest

from hub.scheduled.models import Run
from hub.scheduled.runs.calls.call_pace import CallPace
from hub.scheduled.runs.late_runs import spread_late_runs
from tests.factories import NOON
from tests.hub.scheduled.run_helpers import Network, after, call_many_times, job_of, run_due, run_of

WINDOW_END = after(minutes=10)


@pytest.fixture
def planned_runs(make):
    """Ten runs of one slot, a minute apart."""
    job = job_of(make)
    for number in range(10):
        at = after(minutes=number)
        run = run_of(make, job, make.tenant(), slot_at=NOON)
        Run.unscoped.filter(pk=run.pk).update(due_at=at, window_ends_at=WINDOW_END)
    return Run.unscoped.order_by("due_at")


def list_minutes(runs, start=NOON):
    return [(run.due_at - start) / timedelta(minutes=1) for run in runs.all()]


def test_runs_in_time_keep_their_places(planned_runs):
    assert spread_late_runs(now=after(seconds=9)) == 0
    assert list_minutes(planned_runs) == list(range(10))


def test_late_runs_do_not_start_at_once_but_at_their_planned_distances(planned_runs):
    now = after(seconds=20)
    assert spread_late_runs(now=now) == 10
    assert list_minutes(planned_runs, now) == pytest.approx(list(range(10)))
    assert spread_late_runs(now=now) == 0


def test_runs_that_are_late_again_and_again_are_not_faster_each_time(planned_runs):
    Run.unscoped.update(window_ends_at=after(minutes=30))
    for seconds in range(20, 200, 20):
        assert spread_late_runs(now=after(seconds=seconds)) == 10
    assert list_minutes(planned_runs, after(seconds=180)) == pytest.approx(list(range(10)))


def test_runs_that_are_very_late_fill_the_rest_of_the_window(planned_runs):
    now = after(minutes=8)
    spread_late_runs(now=now)
    assert list_minutes(planned_runs, now) == pytest.approx([1.9 / 9 * n for n in range(10)])


def test_runs_that_have_started_or_that_a_person_requested_are_not_moved(make):
    requested = run_of(make)
    started = run_of(make, slot_at=NOON)
    Run.unscoped.filter(pk=started.pk).update(started_at=NOON)
    assert spread_late_runs(now=after(minutes=1)) == 0
    assert {run.due_at for run in Run.unscoped.all()} == {requested.due_at}


def pace(**values):
    defaults = {
        "seconds_between_calls": 0.5,
        "expected_calls": {"slack": 3},
        "due_at": NOON,
        "window_ends_at": WINDOW_END,
        "calls": {},
    }
    return CallPace.of(Run(**defaults | values))


def seconds_of(pace, *, now=NOON):
    return [(pace.reserve_call(now=now) - NOON).total_seconds() for _ in range(5)]


def test_the_planned_calls_are_spread_and_further_ones_are_not_delayed():
    assert seconds_of(pace()) == [0, 0.5, 1, 0, 0]


def test_a_run_that_continues_has_fewer_calls_left():
    assert seconds_of(pace(calls={"slack|calls||": 2, "slack|account|T|": 2})) == [0] * 5


def test_nothing_is_delayed_without_a_plan_or_after_the_window():
    assert seconds_of(pace(seconds_between_calls=None)) == [0] * 5
    assert seconds_of(pace(window_ends_at=NOON)) == [0] * 5


def test_the_calls_of_a_run_keep_to_its_pace(make, run_reports):
    run_reports(call_many_times)
    connection = make.connection(make.tenant(), "slack")
    run = run_of(make, job_of(make, connection.tenant))
    Run.unscoped.filter(pk=run.pk).update(
        seconds_between_calls=0.05, expected_calls={"slack": 20}, window_ends_at=WINDOW_END
    )
    moments = []
    begin = time.monotonic()

    def clock():
        return after(seconds=time.monotonic() - begin)

    class TimedNetwork(Network):
        async def __call__(self, request):
            moments.append(clock())
            return await super().__call__(request)

    run_due(TimedNetwork(), clock=clock)
    assert len(moments) == 20
    assert moments[-1] - moments[0] >= timedelta(seconds=0.05) * 15
