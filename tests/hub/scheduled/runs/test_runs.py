"""Runs: claimed once, resumed from their cursor, repeated, blocked, skipped and reported."""

from datetime import timedelta

import pytest
from django.db import connection as database

from hub.notices.models import Notice
from hub.processes.leases import end_leases, new_lease
from hub.scheduled.models import Run, RunLogEntry
from hub.scheduled.runs import claim
from hub.scheduled.runs.notices import notify_missed_deadlines
from hub.scheduled.runs.open_runs import recover_interrupted_runs, skip_runs_past_window
from tests.factories import MINUTE, NOON
from tests.hub.scheduled.run_helpers import (
    Time,
    break_down,
    fail,
    fail_for_good,
    job_of,
    read_forever,
    read_more_than_expected,
    read_three_pages,
    run_due,
    run_of,
    save_and_lose_the_lease,
    wait_to_be_cancelled,
)


def test_a_run_executes_once_and_stores_its_result(make, slack_connection, run_reports):
    run_reports(read_three_pages)
    run = run_of(make, job_of(make, slack_connection.tenant))
    network = run_due()
    run.refresh_from_db()
    assert (run.state, run.result, run.done_count, run.expected_count) == (
        "finished",
        {"pages": 3, "answer": "{}"},
        3,
        3,
    )
    assert len(network.requests) == 3
    assert run.calls["slack|calls||"] == 3
    assert run.lease is None and run.finished_at


@pytest.mark.corrections(item="3.9")
def test_a_run_that_exceeds_what_was_expected_is_not_shown_as_20_of_6_nor_since_none(
    make, slack_connection, run_reports, client
):
    run_reports(read_more_than_expected)
    run, tenant = run_of(make, job_of(make, slack_connection.tenant)), slack_connection.tenant
    run_due()
    client.force_login(make.membership(tenant, make.user(), role="owner").user)
    page = client.get(f"/t/{tenant.reference}/runs/{run.public_id}/").content.decode()
    assert "20 records" in page and "of 6" not in page and "None" not in page


def test_an_interrupted_run_continues_from_its_cursor(make, slack_connection, run_reports):
    run_reports(read_three_pages)
    run_of(make, job_of(make, slack_connection.tenant), cursor={"page": 2})
    assert len(run_due().requests) == 1


def test_a_run_of_a_dead_process_is_claimed_again(make, slack_connection, run_reports):
    run_reports(read_three_pages)
    run = run_of(make, job_of(make, slack_connection.tenant))
    lease = new_lease()
    (claimed,) = claim.claim_runs(5, lease, now=NOON)
    assert claimed == run
    assert claim.claim_runs(5, new_lease(), now=NOON) == []
    end_leases(lease.bytes[:10], now=NOON)
    run_due()
    run.refresh_from_db()
    assert (run.state, run.done_count) == ("finished", 3)


def test_what_a_lost_lease_stores_is_refused(make, slack_connection, run_reports):
    run_reports(save_and_lose_the_lease)
    run = run_of(make, job_of(make, slack_connection.tenant))
    run_due()
    run.refresh_from_db()  # the job, and it, were not deleted
    assert (run.state, run.cursor, run.done_count) == ("running", {}, 0)


def test_a_run_that_crashes_again_and_again_fails_with_one_notice(
    make, slack_connection, run_reports
):
    run_reports(read_three_pages)
    run = run_of(make, job_of(make, slack_connection.tenant))
    for _ in range(claim.MAX_CRASHES):
        assert claim.claim_runs(5, new_lease(), now=NOON)
        Run.unscoped.update(lease_until=NOON)
        claim.recover_runs(now=NOON)
    run_due()
    run.refresh_from_db()
    assert (run.state, run.reason) == ("failed", "run_crashed")
    assert Notice.unscoped.filter(kind="run_failed").count() == 1


def test_a_run_that_a_late_process_claims_while_others_are_recovered_has_not_crashed(
    make, slack_connection
):
    run = run_of(make, job_of(make, slack_connection.tenant))
    earlier = NOON - timedelta(minutes=5)  # the time of a process that was stopped since
    claimed = []

    def claim_meanwhile(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if sql.startswith("UPDATE") and "waiting" in params:
            Run.unscoped.update(due_at=earlier)
            claimed.extend(claim.claim_runs(5, new_lease(), now=earlier))
        return result

    with database.execute_wrapper(claim_meanwhile):
        recover_interrupted_runs(now=NOON)
    run.refresh_from_db()
    assert claimed == [run]
    assert run.state == "running"


def test_a_run_whose_process_died_is_continued_though_nothing_else_is_due(
    make, slack_connection, run_reports
):
    run_reports(read_three_pages)
    run = run_of(make, job_of(make, slack_connection.tenant))
    assert claim.claim_runs(5, new_lease(), now=NOON) == [run]
    assert not claim.is_run_due(now=NOON)
    Run.unscoped.update(lease_until=NOON)
    assert claim.is_run_due(now=NOON)
    run_due()
    run.refresh_from_db()
    assert run.state == "finished"


def test_two_runs_of_a_job_and_tenant_are_never_executed_together(make, slack_connection):
    job = job_of(make, slack_connection.tenant)
    first, second = run_of(make, job), run_of(make, job)
    assert claim.claim_runs(5, new_lease(), now=NOON) == [first]
    assert claim.claim_runs(5, new_lease(), now=NOON) == []
    Run.unscoped.filter(pk=second.pk).update(window_ends_at=NOON)
    assert skip_runs_past_window(now=NOON) == 1
    second.refresh_from_db()
    assert (second.state, second.reason) == ("skipped", "still_running")


def test_runs_of_other_tenants_are_executed_together(make):
    job = job_of(make)
    runs = [run_of(make, job, make.tenant()) for _ in range(3)]
    assert claim.claim_runs(5, new_lease(), now=NOON) == runs


def test_a_higher_priority_is_claimed_first(make):
    run_of(make, now=NOON - MINUTE)
    important = run_of(make, job_of(make, make.tenant(), priority=5))
    assert claim.claim_runs(1, new_lease(), now=NOON) == [important]


def test_nothing_starts_before_it_is_due_after_its_window_or_for_a_suspended_tenant(make):
    run_of(make, due_at=NOON + MINUTE)
    run_of(make, window_ends_at=NOON)
    run_of(make, tenant=make.tenant(suspended_at=NOON))
    assert claim.claim_runs(5, new_lease(), now=NOON) == []


def test_a_run_that_has_started_continues_after_its_window(make):
    run = run_of(make, window_ends_at=NOON, started_at=NOON - MINUTE)
    assert claim.claim_runs(5, new_lease(), now=NOON) == [run]


def test_a_failing_run_is_repeated_later_and_later_then_reported_once(
    make, slack_connection, run_reports
):
    run_reports(fail)
    run, clock = run_of(make, job_of(make, slack_connection.tenant)), Time()
    delays = []
    while run.state == "waiting":
        clock.now = max(clock.now, run.due_at)
        run_due(clock=clock)
        run.refresh_from_db()
        delays.append(run.due_at - clock.now)
    assert delays[:3] == [timedelta(seconds=30), MINUTE, 2 * MINUTE]
    assert clock.now < run.window_ends_at
    assert (run.state, run.reason, run.detail) == ("failed", "unavailable", "they are away")
    assert Notice.unscoped.filter(kind="run_failed").count() == 1
    assert RunLogEntry.unscoped.filter(run=run, kind="failed", level="error").count() == 1


def test_a_run_that_cannot_be_repeated_fails_at_once(make, slack_connection, run_reports):
    run_reports(fail_for_good)
    run = run_of(make, job_of(make, slack_connection.tenant))
    run_due()
    run.refresh_from_db()
    assert run.state == "failed"


def test_a_defect_of_ours_is_repeated(make, slack_connection, run_reports):
    run_reports(break_down)
    run = run_of(make, job_of(make, slack_connection.tenant))
    run_due()
    run.refresh_from_db()
    assert (run.state, run.reason, run.detail) == ("waiting", "defect", "ZeroDivisionError")


def test_a_cancelled_run_ends(make, slack_connection, run_reports):
    run_reports(wait_to_be_cancelled)
    run = run_of(make, job_of(make, slack_connection.tenant))
    run_due()
    run.refresh_from_db()
    assert (run.state, run.cursor) == ("cancelled", {"page": 1})


def test_a_stopping_worker_releases_its_runs_without_an_attempt(
    make, slack_connection, run_reports
):
    run_reports(read_forever)
    run = run_of(make, job_of(make, slack_connection.tenant))
    network = run_due(run_seconds=0.01)
    run.refresh_from_db()
    assert (run.state, run.attempt_count, run.lease) == ("waiting", 0, None)
    assert run.cursor == {"page": len(network.requests)}  # no page was read for nothing


def test_a_missed_deadline_is_reported_once(make, slack_connection):
    run = run_of(make, job_of(make, slack_connection.tenant))
    assert notify_missed_deadlines(now=run.deadline_at - MINUTE) == 0
    assert notify_missed_deadlines(now=run.deadline_at) == 1
    assert notify_missed_deadlines(now=run.deadline_at + MINUTE) == 0
    assert Notice.unscoped.filter(kind="deadline_missed").count() == 1
