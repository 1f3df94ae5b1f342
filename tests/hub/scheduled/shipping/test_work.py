"""A job every minute has a run only where there are lines to ship."""

from datetime import timedelta

import pytest

from hub.audit import ActorContext
from hub.scheduled.jobs.schedules import create_schedule
from hub.scheduled.models import JobSchedule, LogPosition, Run
from hub.scheduled.runs.due_runs import create_due_runs
from hub.scheduled.shipping.arrivals import ship_arrived_lines
from hub.scheduled.shipping.work import delete_idle_run_before
from tests.factories import NOON
from tests.hub.scheduled.logs import entries, store_lines

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def ship_job(make, tenant, source="api"):
    options = {"source": source}
    fields = {"kind": "ship", "connector": "splunk", "options": options}
    job = make.job(tenant, cron="* * * * *", **fields)
    create_schedule(job, tenant, now=NOON)
    return job


def test_a_minute_without_lines_leaves_no_run(make, acme):
    ship_job(make, acme)
    create_due_runs(now=NOON + 3 * MINUTE)
    assert not Run.unscoped.exists()
    store_lines(acme, *entries(2))
    create_due_runs(now=NOON + 4 * MINUTE)
    assert Run.unscoped.get().slot_at == NOON + 4 * MINUTE


def test_lines_that_arrive_during_a_run_need_no_other_one(make, acme):
    ship_job(make, acme)
    store_lines(acme, *entries(2))
    for minutes in range(1, 10):
        create_due_runs(now=NOON + minutes * MINUTE)
    assert Run.unscoped.count() == 1
    Run.unscoped.update(state="finished")
    create_due_runs(now=NOON + 11 * MINUTE)
    assert Run.unscoped.count() >= 2
    LogPosition.unscoped.update(shipped_line=2)
    Run.unscoped.update(state="finished")
    before = Run.unscoped.count()
    create_due_runs(now=NOON + 12 * MINUTE)
    assert Run.unscoped.count() == before


def test_an_audit_log_with_new_rows_has_a_run(make, acme):
    ship_job(make, acme, "audit")
    create_due_runs(now=NOON + MINUTE)
    assert not Run.unscoped.exists()
    ActorContext.system().audit("tenant.change", acme, now=NOON)
    create_due_runs(now=NOON + 2 * MINUTE)
    assert Run.unscoped.count() == 1


def test_our_applications_log_is_asked_each_time(make, acme):
    ship_job(make, acme, "collection")
    create_due_runs(now=NOON + MINUTE)
    assert Run.unscoped.count() == 1


def test_of_several_runs_that_find_nothing_the_newest_stays(make, acme):
    job = ship_job(make, acme, "collection")
    for minutes in range(1, 5):
        create_due_runs(now=NOON + minutes * MINUTE)
        run = Run.unscoped.latest("pk")
        delete_idle_run_before(run)
        Run.unscoped.filter(pk=run.pk).update(state="finished", result={"lines": 0, "batches": 0})
    assert [run.slot_at for run in Run.unscoped.all()] == [NOON + 4 * MINUTE]
    Run.unscoped.update(result={"lines": 7, "batches": 1})
    create_due_runs(now=NOON + 5 * MINUTE)
    delete_idle_run_before(Run.unscoped.latest("pk"))
    assert Run.unscoped.filter(job=job).count() == 2


def test_runs_of_frequent_slots_start_before_the_next_slot(make):
    for number in range(10):
        tenant = make.tenant(f"tenant-{number}")
        ship_job(make, tenant)
        store_lines(tenant, *entries(1))
    create_due_runs(now=NOON + MINUTE)
    latest = max(run.due_at for run in Run.unscoped.all())
    assert NOON + MINUTE < latest < NOON + 2 * MINUTE


# --- as lines arrive ------------------------------------------------------------------------------


def test_lines_that_arrive_do_not_wait_for_the_next_slot(make, acme):
    ship_job(make, acme)
    assert ship_arrived_lines(now=NOON) == 0
    store_lines(acme, *entries(2))
    assert ship_arrived_lines(now=NOON) == 1
    assert ship_arrived_lines(now=NOON) == 0  # that run ships what arrives until it ends
    run = Run.unscoped.get()
    assert (run.slot_at, run.due_at, run.state) == (None, NOON, "waiting")


def test_a_run_that_waits_for_its_place_in_the_window_starts_at_once(make, acme):
    job = ship_job(make, acme)
    make.run(job, acme, slot_at=NOON, at=NOON + MINUTE / 2)
    store_lines(acme, *entries(2))
    assert ship_arrived_lines(now=NOON) == 1
    assert Run.unscoped.get().due_at == NOON


def finish_runs(*, at, state="finished"):
    Run.unscoped.update(state=state, finished_at=at)


def test_lines_are_batched_and_runs_of_arrivals_are_forgotten(make, acme):
    ship_job(make, acme)
    store_lines(acme, *entries(2))
    ship_arrived_lines(now=NOON)
    finish_runs(at=NOON)
    assert ship_arrived_lines(now=NOON + timedelta(seconds=3)) == 0
    assert ship_arrived_lines(now=NOON + timedelta(seconds=5)) == 1
    finish_runs(at=NOON)
    schedule = JobSchedule.unscoped.get()
    schedule.next_slot_at = NOON + 90 * MINUTE
    schedule.save()
    assert ship_arrived_lines(now=NOON + 90 * MINUTE) == 1
    assert Run.unscoped.count() == 1


@pytest.mark.parametrize("change", ["failed run", "hourly", "excluded", "suspended", "disabled"])
def test_other_jobs_ship_at_their_slots_only(make, acme, change):
    job = ship_job(make, acme)
    store_lines(acme, *entries(2))
    schedules = JobSchedule.unscoped.all()
    if change == "failed run":
        make.run(job, acme, slot_at=NOON, at=NOON)
        finish_runs(at=NOON, state="failed")
    if change == "hourly":
        schedules.update(next_slot_at=NOON + 30 * MINUTE)
    if change == "excluded":
        schedules.update(is_excluded=True)
    if change == "suspended":
        type(acme).objects.filter(pk=acme.pk).update(suspended_at=NOON)
    if change == "disabled":
        type(job).unscoped.update(is_enabled=False)
    assert ship_arrived_lines(now=NOON + MINUTE / 2) == 0


def test_a_log_whose_source_must_be_asked_has_no_further_calls(make, acme):
    ship_job(make, acme, "app")
    assert ship_arrived_lines(now=NOON) == 0


def test_many_logs_without_lines_take_four_statements(make, django_assert_num_queries):
    for _ in range(5):
        ship_job(make, make.tenant())
    with django_assert_num_queries(4):
        assert ship_arrived_lines(now=NOON) == 0
