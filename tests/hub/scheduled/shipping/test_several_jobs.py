"""Several jobs that ship one log: each has its own position, and each line goes to all of them."""

from datetime import timedelta

import pytest

from hub.audit import SYSTEM, ActorContext
from hub.notices.models import Notice
from hub.prune.batches import RetentionCutoffs, prune_batches
from hub.scheduled.insight.log_shipping import view_log_shipping
from hub.scheduled.jobs.job_actions import delete_job
from hub.scheduled.models import Job, LogChunk, LogPosition
from hub.scheduled.shipping.executor import count_waiting_lines
from hub.scheduled.shipping.figures import (
    find_last_error,
    measure_logs,
    measure_waiting_logs,
)
from hub.scheduled.shipping.retention import drop_expired_lines, notify_late_logs
from tests.factories import NOON
from tests.hub.scheduled.logs import entries, store_lines
from tests.hub.scheduled.shipping.splunk_run import (
    URL,
    SimulatedRun,
    SimulatedSplunk,
    finish,
    make_another_run,
    make_run,
    ship,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
pytestmark = [pytest.mark.django_db, pytest.mark.corrections(item="1.16")]


@pytest.fixture
def start_job(make, acme, tmp_path):
    """A run of a new job, with a Splunk of its own."""
    opened = []

    def start_job(source="api", **fields):
        splunk = SimulatedSplunk(tmp_path / f"splunk {len(opened)}")
        opened.append(splunk)
        connection = make.connection(acme, "splunk", settings={"url": URL})
        run = make_run(make, acme, source=source)
        Job.unscoped.filter(pk=run.job_id).update(
            connection=connection, **({"created_at": NOON} | fields)
        )
        run.job.refresh_from_db()
        return SimulatedRun(run, splunk, connection)

    yield start_job
    for splunk in opened:
        splunk.system.close()


def ship_again(context, tenant):
    context.run = make_another_run(context.job, tenant)
    return ship(context)


def test_each_job_ships_each_line(acme, start_job):
    first, second = start_job(), start_job()
    store_lines(acme, *entries(5), key="a")
    ship(first)
    store_lines(acme, *entries(3), key="b")
    ship(second)
    ship_again(first, acme)
    assert first.splunk.lines() == second.splunk.lines() == list(range(8))


def test_both_jobs_have_a_run_where_one_has_shipped(acme, start_job):
    first, second = start_job(), start_job()
    store_lines(acme, *entries(5))
    ship(first)
    figures = measure_logs(acme, now=NOON)
    assert {row.job: (row.received, row.shipped, row.backlog) for row in figures} == {
        first.job: (5, 5, 0),
        second.job: (5, 0, 5),
    }


def test_a_dry_run_counts_the_lines_of_its_job_only(acme, start_job):
    first, second = start_job(), start_job()
    store_lines(acme, *entries(5))
    ship(first)
    for context, waiting in ((first, 0), (second, 5)):
        assert finish(count_waiting_lines(context)) == {"lines": waiting}


def test_lines_are_kept_until_the_last_job_has_shipped_them(acme, start_job):
    first, second = start_job(), start_job()
    store_lines(acme, *entries(5))
    ship(first)
    list(prune_batches(RetentionCutoffs.at(NOON + 2 * DAY)))
    ship(second)
    list(prune_batches(RetentionCutoffs.at(NOON + 2 * DAY)))
    assert second.splunk.lines() == list(range(5)) and not LogChunk.unscoped.exists()


def test_a_new_job_begins_with_the_lines_since_it_was_created(acme, start_job):
    first = start_job()
    store_lines(acme, *entries(5), key="before")
    ship(first)
    second = start_job(created_at=NOON + DAY)
    store_lines(acme, *entries(2), key="since", now=NOON + DAY)
    first.time = second.time = NOON + DAY
    ship_again(first, acme)
    ship(second)
    assert second.splunk.lines() == [5, 6]


def test_a_job_that_replaces_a_deleted_one_goes_on_where_that_ended(acme, start_job):
    first = start_job()
    store_lines(acme, *entries(5), key="a")
    ship(first)
    first.run.delete()
    delete_job(first.job, ActorContext(SYSTEM), now=NOON)
    store_lines(acme, *entries(2), key="b")
    second = start_job()
    ship(second)
    assert second.splunk.lines() == [5, 6] and LogPosition.unscoped.count() == 1


def test_two_jobs_read_the_audit_log_once_and_both_ship_it(acme, start_job):
    contexts = [start_job("audit"), start_job("audit")]
    for verb in ("tenant.suspend", "tenant.restore"):
        ActorContext.system().audit(verb, acme, now=NOON)
        for context in contexts:
            ship_again(context, acme)
    for context in contexts:
        assert [event["event"]["number"] for event in context.splunk.events()] == [1, 2]


def test_jobs_that_read_the_source_at_the_same_time_store_each_line_once(acme, start_job):
    first, second = start_job("audit"), start_job("audit")
    ActorContext.system().audit("tenant.suspend", acme, now=NOON)
    find_connection = first.find_connection

    async def find_connection_late(key=""):
        ActorContext.system().audit("tenant.restore", acme, now=NOON)
        ship(second)
        return await find_connection(key)

    first.find_connection = find_connection_late
    ship(first)
    assert first.splunk.lines() == second.splunk.lines() == [0, 1]


@pytest.mark.parametrize("change", [{"is_enabled": False}, {"options": {"source": "audit"}}])
def test_lines_that_only_a_replaced_job_would_ship_are_not_late(acme, start_job, change):
    first, second = start_job(), start_job()
    store_lines(acme, *entries(5), key="a")
    ship(first)
    Job.unscoped.filter(pk=first.job.pk).update(**change)
    store_lines(acme, *entries(3), key="b")
    ship(second)
    notify_late_logs(now=NOON + HOUR)
    assert measure_waiting_logs(now=NOON + HOUR) == []
    assert view_log_shipping(acme, now=NOON + HOUR).status.tone == "good"
    assert drop_expired_lines(now=NOON + 8 * DAY) == 3
    assert not Notice.unscoped.exists()


def test_lines_are_late_where_the_only_job_is_disabled(acme, start_job):
    context = start_job()
    store_lines(acme, *entries(5))
    ship(context)
    Job.unscoped.update(is_enabled=False)
    store_lines(acme, *entries(3), key="b")
    notify_late_logs(now=NOON + HOUR)
    assert Notice.unscoped.get().kind == "log_lines_late"


def test_the_failed_run_of_a_disabled_job_is_no_error_of_log_shipping(acme, start_job):
    start_job().run.transition_to("failed")
    assert find_last_error(acme) is not None
    Job.unscoped.update(is_enabled=False)
    assert find_last_error(acme) is None
