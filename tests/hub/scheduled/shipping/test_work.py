"""A job every minute has a run only where there are lines to ship."""

from datetime import timedelta

import pytest

from hub.audit import ActorContext
from hub.scheduled.jobs.schedules import create_schedule
from hub.scheduled.models import LogPosition, Run
from hub.scheduled.runs.due_runs import create_due_runs
from hub.scheduled.shipping.work import delete_idle_run_before
from tests.factories import NOON
from tests.hub.scheduled.logs import entries, store_lines

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def acme(make):
    return make.tenant("acme")


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
