"""The coming night is predicted: calls, ends, and which run misses its deadline and why."""

from datetime import timedelta

import pytest
from django.db import connection as database

from hub.scheduled.models import JobSchedule, Run
from hub.scheduled.night.forecast import forecast_night
from hub.scheduled.night.offsets import STARTS_WINDOW_SHARE
from hub.scheduled.runs.due_runs import create_due_runs
from hub.throttle.models import BackgroundShare, QuotaState
from tests.factories import MINUTE, NOON
from tests.hub.scheduled.night.builders import DAY, create_job, create_run, create_schedule

pytestmark = pytest.mark.django_db
SLOT = NOON + 2 * 60 * MINUTE  # 14:00
APP = "app|app||requests"


def create_nightly_job(make, count=10, *, calls=120, seconds=120, **values):
    """A job of all tenants whose runs spent so much last night, with its next slot at SLOT."""
    job = create_job(None, cron="0 14 * * *", **{"window_minutes": 60} | values)
    for number in range(count):
        tenant = make.tenant(f"t{number}")
        units = {f"salesforce|account|00D{number}|": calls, APP: calls}
        create_run(job, tenant, slot_at=SLOT - DAY, seconds=seconds, calls=units)
        create_schedule(job, tenant, next_slot_at=SLOT)
    return job


def test_calls_ends_and_quotas_are_predicted(make):
    create_nightly_job(make)
    night = forecast_night(now=NOON)
    assert (night.starts_at, len(night.runs), night.late_runs) == (SLOT, 10, [])
    starts = sorted((run.starts_at - SLOT) / MINUTE for run in night.runs)
    assert starts == pytest.approx([n * 6 * STARTS_WINDOW_SHARE for n in range(10)])
    assert (night.ends_at - SLOT) / MINUTE == pytest.approx(
        54 * STARTS_WINDOW_SHARE + 4, abs=0.1
    )  # 240 calls
    assert sum(night.calls_by_connector["salesforce"]) == pytest.approx(1_200)
    quotas = {(quota.connector_key, quota.name): quota for quota in night.quotas}
    account, requests = quotas["salesforce", "account"], quotas["app", "app:requests"]
    assert (account.owner_count, account.units, account.units_left) == (10, 1_200, 800_000)
    assert (requests.units, requests.line) == (1_200, 200 * 60 * 0.8)


def test_what_was_spent_of_a_budget_is_not_there_for_the_night(make):
    create_nightly_job(make, 1)
    QuotaState.objects.create(
        key="salesforce|account|00D0|",
        connector_key="salesforce",
        kind="account",
        used_units=79_970,
        window_ends=NOON + DAY / 2,
    )
    night = forecast_night(now=NOON)
    (late,) = night.late_runs
    assert late.ends_at is None
    assert "is used up before the run ends" in late.explanation


def test_a_quota_that_slows_runs_is_named_as_the_reason(make):
    BackgroundShare.objects.create(connector_key="app", quota_name="app:requests", percent=1)
    create_nightly_job(make, 4, calls=6_000, deadline_minutes=65)
    night = forecast_night(now=NOON)
    assert night.late_runs
    assert "1 %" in night.late_runs[0].explanation
    assert max(night.calls_by_connector["app"]) <= 200 * 60 * 0.01 + 1e-6


def test_a_run_that_takes_longer_than_its_deadline_says_so(make):
    create_nightly_job(make, 1, seconds=7_200, deadline_minutes=60)
    night = forecast_night(now=NOON)
    text = night.late_runs[0].explanation
    assert "took 120 minutes" in text and "60 minutes remain" in text


def test_runs_without_history_are_counted_and_not_predicted(make):
    job = create_job(None, cron="0 14 * * *")
    create_schedule(job, make.tenant(), next_slot_at=SLOT)
    night = forecast_night(now=NOON)
    assert (night.unknown_count, night.ends_at, night.quotas) == (1, None, [])


def test_excluded_suspended_and_disabled_are_not_in_the_night(make):
    create_nightly_job(make, 2)
    JobSchedule.unscoped.filter(tenant__reference="t0").update(is_excluded=True)
    make.tenant("gone", suspended_at=NOON)
    disabled = create_job(None, cron="0 14 * * *", is_enabled=False)
    create_schedule(disabled, make.tenant("other"), next_slot_at=SLOT)
    assert [run.tenant.reference for run in forecast_night(now=NOON).runs] == ["t1"]


def test_an_hourly_job_has_all_its_slots(make):
    job = create_job(None, cron="0 * * * *")
    create_schedule(job, make.tenant(), next_slot_at=NOON + 60 * MINUTE)
    assert len(forecast_night(now=NOON).runs) == 23


def test_what_a_running_run_has_spent_is_not_expected_again(make):
    job = create_nightly_job(make, 1)
    create_run(
        job,
        job.schedules.get().tenant,
        slot_at=NOON,
        state="running",
        finished_at=None,
        calls={"salesforce|account|00D0|": 90, APP: 90},
    )
    running = next(run for run in forecast_night(now=NOON).runs if run.run)
    assert running.expectation.calls == {"salesforce": 30, "app": 30}


def test_the_prediction_is_what_the_planner_then_plans(make):
    """Calls and end of the night lie within 20 % of what the runs, as planned, then do."""
    create_nightly_job(make, 20)
    night = forecast_night(now=NOON)
    create_due_runs(now=SLOT + timedelta(seconds=3))
    planned = {run.tenant_id: run.due_at for run in Run.unscoped.filter(slot_at=SLOT)}
    for run in night.runs:
        assert abs(planned[run.tenant.pk] - run.starts_at) < timedelta(seconds=1)
    last_end = max(planned.values()) + timedelta(seconds=120)
    assert abs(night.ends_at - last_end) <= 0.2 * (last_end - SLOT)


def test_many_tenants_take_the_same_statements(make, django_assert_num_queries):
    create_nightly_job(make, 3)
    # Django does not count a prepared query on a binary cursor
    count = 5 if database.vendor == "postgresql" else 6
    with django_assert_num_queries(count):
        forecast_night(now=NOON)
    for number in range(10, 20):
        create_schedule(create_job(None), make.tenant(f"t{number}"), next_slot_at=SLOT)
    with django_assert_num_queries(count):
        forecast_night(now=NOON)


def test_the_forecast_knows_how_many_runs_are_executed_side_by_side(make, settings):
    settings.HUB_RUNS_AT_ONCE, settings.HUB_SLOTS = 1, settings.HUB_SLOTS | {"long": 1}
    create_nightly_job(make, 4, calls=1, seconds=1_800, window_minutes=4, deadline_minutes=70)
    night = forecast_night(now=NOON)
    assert (night.ends_at - SLOT) / MINUTE == pytest.approx(120, abs=2)
    assert len(night.late_runs) == 2
    assert "waits for other runs" in night.late_runs[0].explanation
