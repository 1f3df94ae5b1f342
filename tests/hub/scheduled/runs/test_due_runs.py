"""Runs of slots: one for each job, tenant and slot, also after downtime and a change of zone."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.scheduled.jobs.schedules import (
    apply_changed_time_zones,
    create_missing_schedules,
    restart_schedules,
)
from hub.scheduled.models import Job, JobSchedule, Run
from hub.scheduled.runs.due_runs import create_due_runs
from tests.factories import NOON
from tests.hub.scheduled.run_helpers import after, job_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def slots(state=None):
    rows = Run.unscoped.order_by("slot_at")
    return [run.slot_at for run in rows if state in (None, run.state)]


def berlin_tenant(make):
    return make.tenant(time_zone="Europe/Berlin")


def test_a_slot_becomes_one_run_however_often_the_sweep_looks(make):
    tenant = berlin_tenant(make)
    job = job_of(make, tenant, cron="30 2 * * *", window_minutes=60, deadline_minutes=90)
    slot = datetime(2026, 11, 26, 1, 30, tzinfo=UTC)
    for now in (NOON, slot - timedelta(seconds=1), slot, slot, slot + HOUR):
        create_due_runs(now=now)
    (run,) = Run.unscoped.all()
    assert (run.job, run.tenant, run.slot_at, run.due_at) == (job, tenant, slot, slot)
    assert (run.window_ends_at, run.deadline_at) == (slot + HOUR, slot + 1.5 * HOUR)


def test_a_clock_that_goes_back_repeats_nothing(make):
    job_of(make, make.tenant(), cron="0 * * * *")
    for now in (after(hours=3), after(hours=1), after(hours=3), after(hours=4)):
        create_due_runs(now=now)
    assert slots() == [after(hours=hour) for hour in (1, 2, 3, 4)]


def test_after_downtime_slots_in_their_window_run_and_older_ones_are_skipped(make):
    job_of(make, make.tenant(), cron="0 * * * *", window_minutes=90)
    create_due_runs(now=after(hours=5))
    assert slots("skipped") == [after(hours=hour) for hour in (1, 2, 3)]
    assert slots("waiting") == [after(hours=hour) for hour in (4, 5)]


@pytest.mark.parametrize(
    ("policy", "states"),
    [(Job.CatchUp.RUN_LATE, ["skipped", "waiting"]), (Job.CatchUp.SKIP, ["skipped"] * 2)],
)
def test_after_longer_downtime_the_policy_decides_about_the_last_slot(make, policy, states):
    job_of(make, make.tenant(), cron="0 1 * * *", window_minutes=60, catch_up=policy)
    now = NOON + 2 * DAY
    create_due_runs(now=now)
    runs = Run.unscoped.order_by("slot_at")
    assert [run.state for run in runs] == states
    if "waiting" in states:
        assert (runs[1].due_at, runs[1].window_ends_at) == (now, now + HOUR)
    assert {run.reason for run in runs if run.state == "skipped"} == {"slot_missed"}


def test_many_missed_slots_are_created_in_several_passes_and_one_runs(make):
    job_of(make, make.tenant(), cron="*/5 * * * *", window_minutes=5)
    now = after(days=3, minutes=4)
    while create_due_runs(now=now):
        pass
    assert len(slots("skipped")) == 3 * 288 - 1
    assert slots("waiting") == [after(days=3)]


def test_suspended_and_excluded_tenants_have_no_runs_and_catch_none_up(make):
    job = job_of(make, cron="0 * * * *")
    suspended, excluded = make.tenant(suspended_at=NOON), make.tenant()
    for tenant in (suspended, excluded):
        make.connection(tenant, "slack")
    assert create_missing_schedules(now=NOON) == 2
    JobSchedule.unscoped.filter(tenant=excluded).update(is_excluded=True)
    create_due_runs(now=after(hours=2))
    suspended.restore(now=after(hours=2))
    create_due_runs(now=after(hours=3))
    assert [(run.tenant, run.slot_at) for run in job.runs.all()] == [(suspended, after(hours=3))]


def test_a_job_of_all_tenants_is_for_those_that_connected_its_system(make):
    job_of(make, connector="slack")
    slack, connection = (
        make.connection(make.tenant(), "slack"),
        make.connection(make.tenant(), "slack"),
    )
    connection.disconnect(keeps_events=True, now=NOON)
    make.connection(make.tenant(), "splunk")
    assert create_missing_schedules(now=NOON) == 1
    assert create_missing_schedules(now=NOON) == 0
    assert JobSchedule.unscoped.get().tenant == slack.tenant


def move(tenant, zone, *, now):
    tenant.time_zone = zone
    tenant.save()
    apply_changed_time_zones(now=now)


def test_a_tenant_that_moves_west_repeats_no_night(make):
    tenant = berlin_tenant(make)
    job_of(make, tenant, cron="30 2 * * *")
    create_due_runs(now=datetime(2026, 11, 26, 2, tzinfo=UTC))  # 03:00 in Berlin
    move(tenant, "America/New_York", now=datetime(2026, 11, 26, 3, tzinfo=UTC))
    create_due_runs(now=datetime(2026, 11, 27, 12, tzinfo=UTC))
    assert slots() == [
        datetime(2026, 11, 26, 1, 30, tzinfo=UTC),
        datetime(2026, 11, 27, 7, 30, tzinfo=UTC),
    ]


def test_a_tenant_that_moves_east_repeats_no_night(make):
    tenant = make.tenant(time_zone="America/New_York")
    job_of(make, tenant, cron="30 2 * * *")
    create_due_runs(now=datetime(2026, 11, 26, 8, tzinfo=UTC))
    move(tenant, "Asia/Tokyo", now=datetime(2026, 11, 26, 9, tzinfo=UTC))
    create_due_runs(now=datetime(2026, 11, 27, 12, tzinfo=UTC))
    assert slots() == [
        datetime(2026, 11, 26, 7, 30, tzinfo=UTC),
        datetime(2026, 11, 26, 17, 30, tzinfo=UTC),  # 27 November, 02:30
    ]


def test_a_new_job_is_not_held_back_by_a_slot_that_it_never_had(make):
    tenant = berlin_tenant(make)
    job_of(make, tenant, cron="30 9 * * *", now=datetime(2026, 11, 26, 10, tzinfo=UTC))
    move(tenant, "America/New_York", now=datetime(2026, 11, 26, 11, tzinfo=UTC))
    create_due_runs(now=datetime(2026, 11, 26, 15, tzinfo=UTC))
    assert slots() == [datetime(2026, 11, 26, 14, 30, tzinfo=UTC)]


def test_an_hourly_job_goes_on_hourly_after_a_move(make):
    tenant = berlin_tenant(make)
    job_of(make, tenant, cron="0 * * * *")
    create_due_runs(now=after(hours=1))
    move(tenant, "America/New_York", now=after(hours=1, minutes=10))
    create_due_runs(now=after(hours=3))
    assert slots() == [after(hours=hour) for hour in (1, 2, 3)]


def test_slots_of_a_disabled_job_are_not_caught_up(make):
    job = job_of(make, make.tenant(), cron="0 * * * *")
    job.is_enabled = False
    restart_schedules(job, now=NOON)
    create_due_runs(now=after(hours=2))
    job.is_enabled = True
    restart_schedules(job, now=after(hours=2))
    create_due_runs(now=after(hours=3))
    assert slots() == [after(hours=3)]


def test_the_number_of_statements_does_not_depend_on_the_number_of_schedules(
    make, django_assert_num_queries
):
    job_of(make, cron="0 * * * *")
    for _ in range(7):
        make.connection(make.tenant(), "slack")
    create_missing_schedules(now=NOON)
    with django_assert_num_queries(9):  # two of each slot, and the savepoints of a transaction
        assert create_due_runs(now=after(hours=2)) == 7
    with django_assert_num_queries(3):
        assert create_due_runs(now=after(hours=2)) == 0


def test_a_job_about_our_own_application_is_for_every_tenant(make):
    job_of(make, connector="app")
    make.tenant()
    make.tenant()
    assert create_missing_schedules(now=NOON) == 2
