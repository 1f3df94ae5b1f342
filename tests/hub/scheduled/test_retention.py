"""How long runs and discrepancies are stored, what is erased, and what is measured."""

from datetime import timedelta

from hub.health.scheduled_metrics import collect_run_metrics
from hub.prune.batches import RetentionCutoffs, prune_batches
from hub.scheduled.models import Discrepancy, Run, RunLogEntry, StagedRecord
from hub.scheduled.runs.erase import erase_run_texts
from tests.factories import MINUTE, NOON
from tests.hub.scheduled.run_helpers import job_of, run_of

LONG_AGO = NOON - timedelta(days=91)


def prune():
    for _ in prune_batches(RetentionCutoffs.at(NOON)):
        pass


def test_old_runs_that_have_ended_are_deleted_with_their_logs(make):
    job = job_of(make, make.tenant())
    ended = run_of(make, job, now=LONG_AGO, state="finished")
    ended.log.create(at=LONG_AGO, level="info", kind="finished")
    kept = [run_of(make, job, now=LONG_AGO), run_of(make, job, state="finished")]
    prune()
    assert list(Run.unscoped.order_by("pk")) == kept
    assert not RunLogEntry.unscoped.exists()


def test_resolved_discrepancies_are_deleted_and_open_ones_stay(make):
    make.discrepancy(now=LONG_AGO, state="resolved")
    kept = [make.discrepancy(now=LONG_AGO, state="ignored"), make.discrepancy(state="resolved")]
    prune()
    assert list(Discrepancy.unscoped.order_by("pk")) == kept


def test_staged_records_of_ended_runs_are_deleted_after_a_week(make):
    job, week = job_of(make, make.tenant()), timedelta(days=8)
    runs = [
        run_of(make, job, now=NOON - week, state="failed"),
        run_of(make, job, now=NOON - week, state="blocked"),
        run_of(make, job, state="failed"),
    ]
    for run in runs:
        StagedRecord.objects.create(run=run, is_local=True, key=b"A-1", body=b"{}")
    prune()
    assert [record.run for record in StagedRecord.objects.order_by("pk")] == runs[1:]


def test_texts_of_systems_are_erased_with_a_connection(make):
    connection = make.connection(make.tenant(), "slack")
    run = run_of(make, job_of(make, connection.tenant), state="failed", detail="their text")
    run.log.create(at=NOON, level="error", kind="failed", parameters={"detail": "their text"})
    other = run_of(make, detail="another tenant's")
    erase_run_texts(connection, now=NOON)
    run.refresh_from_db()
    other.refresh_from_db()
    assert (run.detail, run.log.get().parameters, other.detail) == ("", {}, "another tenant's")


def test_open_late_and_waiting_runs_are_measured(make):
    run_of(make, due_at=NOON - 2 * MINUTE)
    run_of(make, state="running", deadline_at=NOON - MINUTE)
    run_of(make, state="finished", deadline_at=NOON - MINUTE)
    values = {
        (sample.name, sample.labels.get("state", "")): sample.value
        for metric in collect_run_metrics(now=NOON)
        for sample in metric.samples
    }
    assert values == {
        ("hub_runs", "waiting"): 1,
        ("hub_runs", "running"): 1,
        ("hub_runs", "blocked"): 0,
        ("hub_runs_late", ""): 1,
        ("hub_run_wait_seconds", ""): 120,
    }
