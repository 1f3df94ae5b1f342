"""The end of each run is predicted, and which quota delays it."""

from datetime import timedelta

import pytest

from hub.scheduled.models import Job
from hub.scheduled.night.expectations import Expectation
from hub.scheduled.night.night_run import NightRun
from hub.scheduled.night.simulation import (
    RUN_SLOTS,
    Allowance,
    simulate_night,
)
from tenants.models import Tenant
from tests.factories import MINUTE, NOON

RATE, DAY = "app|app||requests", "salesforce|account|00D|"


def build_run(*, starts=NOON, seconds=600, units=None, kind="reconcile"):
    expectation = Expectation(units or {RATE: 600}, seconds)
    return NightRun(Job(kind=kind), Tenant(), starts, starts + 60 * MINUTE, expectation)


def simulate(*runs, **allowances):
    keys = {"rate": RATE, "day": DAY}
    return simulate_night(
        runs, {keys[name]: allowance for name, allowance in allowances.items()}, now=NOON
    )


def test_without_a_quota_a_run_takes_as_long_as_before():
    night = simulate(build_run(starts=NOON + 0.5 * MINUTE))
    assert night.runs[0].ends_at == NOON + 10.5 * MINUTE
    assert sum(night.units_by_quota_and_minute[RATE]) == pytest.approx(600)
    assert night.units_by_quota_and_minute[RATE][0] == pytest.approx(30)


def test_a_short_run_ends_within_its_minute():
    night = simulate(build_run(seconds=12, units={RATE: 7}))
    assert night.runs[0].ends_at == NOON + timedelta(seconds=12)
    assert night.units_by_quota_and_minute[RATE] == [7]


def test_a_rate_slows_all_runs_alike_and_no_minute_exceeds_it():
    night = simulate(build_run(), build_run(), rate=Allowance(per_minute=60))
    (ends_at,) = {run.ends_at for run in night.runs}
    assert NOON + 19 * MINUTE < ends_at <= NOON + 20 * MINUTE
    assert {run.slowed_by for run in night.runs} == {RATE}
    assert max(night.units_by_quota_and_minute[RATE]) <= 60.001


def test_a_run_of_another_quota_is_not_slowed():
    night = simulate(
        build_run(),
        build_run(units={DAY: 600}),
        rate=Allowance(per_minute=30),
        day=Allowance(),
    )
    assert (night.runs[1].ends_at, night.runs[1].slowed_by) == (NOON + 10 * MINUTE, "")
    assert NOON + 19 * MINUTE < night.runs[0].ends_at <= NOON + 20 * MINUTE


def test_a_run_that_uses_up_a_budget_does_not_end():
    night = simulate(build_run(units={DAY: 600}), day=Allowance(units_left=500))
    assert (night.runs[0].ends_at, night.runs[0].slowed_by) == (None, DAY)
    assert sum(night.units_by_quota_and_minute[DAY]) == pytest.approx(500)


def test_the_allowances_of_the_caller_are_not_changed():
    allowance = Allowance(units_left=1000)
    simulate(build_run(units={DAY: 600}), day=allowance)
    assert allowance.units_left == 1000


def test_a_night_without_runs_is_empty():
    assert simulate_night([], {}, now=NOON).units_by_quota_and_minute == {}


def test_runs_wait_for_a_place_beside_the_others():
    runs = [build_run(units={DAY: 60}, seconds=120) for _ in range(6)]
    night = simulate_night(runs, {}, slots=2, now=NOON)
    ends = sorted(run.ends_at for run in night.runs)
    assert ends == [NOON + n * MINUTE for n in (2, 2, 4, 4, 6, 6)]
    assert sorted({run.slowed_by for run in night.runs}) == ["", RUN_SLOTS]


def test_a_place_serves_several_short_runs_in_a_minute():
    runs = [build_run(units={DAY: 6}, seconds=6) for _ in range(10)]
    night = simulate_night(runs, {}, slots=1, now=NOON)
    assert night.units_by_quota_and_minute[DAY] == [60]


def test_a_run_that_takes_no_place_waits_for_none():
    runs = [build_run(), build_run(seconds=60, units={DAY: 1}, kind="ship")]
    assert simulate_night(runs, {}, slots=1, now=NOON).runs[1].ends_at == NOON + MINUTE
