"""When a run reads the gaps of a connection, and what becomes of gaps whose run has ended."""

from datetime import timedelta

import pytest
from django.db import connection as database

from hub.audit import ActorContext
from hub.incoming.gaps import cancel_gaps, end_gap_cause, reading
from hub.incoming.gaps.gap_actions import start_gap
from hub.incoming.models import InboundGap, WebhookAddress
from hub.notices.models import Notice
from hub.scheduled.gap_reading.start import (
    release_abandoned_gaps,
    start_gap_run,
    start_gap_runs,
)
from hub.scheduled.insight.job_rows import readable_jobs
from hub.scheduled.models import Job, Run
from hub.scheduled.runs.claim import claimable_runs
from hub.scheduled.runs.notices import notify_missed_deadlines
from hub.scheduled.runs.open_runs import fail_blocked_run
from tests.factories import MINUTE, NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(make):
    return make.connection(connector="pipedrive", account="701", secret={})


@pytest.fixture
def source(make, connection):
    return make.source(connection)


def test_due_gaps_of_a_connection_are_read_by_one_run_however_many_sweeps_look(
    make, connection, source
):
    make.gap(source, to_at=NOON - MINUTE)
    make.gap(make.source(connection, "deal"), to_at=NOON - MINUTE)
    assert (start_gap_runs(now=NOON), start_gap_runs(now=NOON)) == (1, 0)
    assert start_gap_run(connection, now=NOON) == Run.unscoped.get()
    assert list(claimable_runs(now=NOON)) == [Run.unscoped.get()]


def test_a_gap_that_is_not_due_held_or_of_a_disconnected_account_starts_nothing(make, source):
    make.gap(source, due_at=NOON + MINUTE)
    make.gap(source, state="held")
    assert start_gap_runs(now=NOON) == 0
    type(source.connection).unscoped.update(state="disabled", reason="disconnected")
    assert start_gap_runs(now=NOON + MINUTE) == 0


def test_a_copy_of_the_installation_starts_nothing(make, source):
    make.gap(source)
    WebhookAddress.objects.create(public_url="https://original.test", changed_at=NOON)
    assert start_gap_runs(now=NOON) == 0


def test_a_gap_that_has_just_ended_is_read_once_when_its_changes_have_settled(make, source):
    make.gap(source)
    assert start_gap_runs(now=NOON) == 0
    assert InboundGap.unscoped.get().due_at == NOON + timedelta(seconds=31)
    assert start_gap_runs(now=NOON + MINUTE) == 1


def test_the_job_is_not_among_the_jobs_of_people(make, source):
    make.gap(source, to_at=NOON - MINUTE)
    start_gap_runs(now=NOON)
    assert Job.unscoped.get().is_made_by_hub and not readable_jobs().exists()


def test_what_a_system_does_not_list_is_incomplete_at_once_with_a_notice(make, connection):
    gap = make.gap(make.source(connection, "lead"))
    lasting = make.gap(make.source(connection, "note"), state="open", to_at=None)
    assert start_gap_runs(now=NOON) == 0
    gap.refresh_from_db()
    lasting.refresh_from_db()
    assert (gap.state, gap.reason, gap.missing_to) == ("incomplete", "no_feed", NOON)
    assert (lasting.state, lasting.due_at) == ("open", None)
    assert Notice.unscoped.get().reason == "no_feed"


def test_a_cause_that_ends_while_the_sweep_looks_leaves_its_gap_due(make, connection):
    source = make.source(connection, "note")
    lasting, ended = make.gap(source, state="open", to_at=None), []

    def end_meanwhile(execute, sql, *rest):
        if sql.startswith("UPDATE") and "incoming_inboundgap" in sql and not ended:
            ended.append(True)
            end_gap_cause(source, [lasting.cause], to_at=NOON, now=NOON)
        return execute(sql, *rest)

    with database.execute_wrapper(end_meanwhile):
        start_gap_runs(now=NOON)
    start_gap_runs(now=NOON)
    lasting.refresh_from_db()
    assert (ended, lasting.state, lasting.reason) == ([True], "incomplete", "no_feed")


def test_what_cannot_be_read_ends_however_many_reads_wait(make, connection, source):
    for _ in range(reading.GAPS_AT_ONCE):
        make.gap(source)
    type(connection.tenant).objects.update(suspended_at=NOON)
    gap = make.gap(make.source(connection, "lead"))
    start_gap_runs(now=NOON)
    gap.refresh_from_db()
    assert (gap.state, gap.reason) == ("incomplete", "no_feed")


@pytest.mark.parametrize(
    ("run_state", "expected"),
    [
        ("waiting", ("reading", "")),
        ("blocked", ("reading", "")),
        ("finished", ("due", "")),
        ("failed", ("incomplete", "run_failed")),
        ("cancelled", ("incomplete", "run_cancelled")),
    ],
)
def test_a_gap_whose_run_has_ended_without_it_is_read_again_or_incomplete(
    make, connection, source, run_state, expected
):
    run = start_gap_run(connection, now=NOON)
    gap = make.gap(source, state="reading", run_id=run.public_id)
    Run.unscoped.update(state=run_state)
    release_abandoned_gaps(now=NOON)
    gap.refresh_from_db()
    assert (gap.state, gap.reason) == expected


def test_a_read_that_fails_is_one_notice_and_none_of_a_job_that_nobody_made(
    make, connection, source
):
    run = start_gap_run(connection, now=NOON)
    make.gap(source, state="reading", run_id=run.public_id)
    Run.unscoped.update(state="blocked", deadline_at=NOON)
    notify_missed_deadlines(now=NOON)
    fail_blocked_run(run, now=NOON)
    release_abandoned_gaps(now=NOON)
    assert Notice.unscoped.get().kind == "source_gap"


def test_a_read_that_fails_again_is_noticed_again_and_says_why(make, connection, source):
    gap = make.gap(source)
    for minute in range(2):
        at = NOON + minute * MINUTE
        assert reading.take_gap(gap, start_gap_run(connection, now=at).public_id, now=at)
        Run.unscoped.update(state="failed")
        release_abandoned_gaps(now=at)
        (notice,) = Notice.unscoped.filter(resolved_at=None)
        why = "The changes could not be read. Look at the run, then start the read again."
        assert notice.sentence.endswith(f"could not all be read. {why}")
        gap.refresh_from_db()
        start_gap(gap, ActorContext.system(), now=at)
        assert not Notice.unscoped.filter(resolved_at=None).exists()


def test_a_cause_that_ends_while_a_gap_is_released_leaves_it_due(make, source):
    gap = make.gap(source, state="reading", to_at=None)
    end_gap_cause(source, [gap.cause], to_at=NOON, now=NOON)
    reading.release_gap(gap, "", now=NOON)  # which was read before
    assert (gap.state, gap.due_at) == ("due", NOON)


def test_a_gap_that_lasts_is_read_again_whatever_became_of_its_run(make, connection, source):
    run = start_gap_run(connection, now=NOON)
    gap = make.gap(source, state="reading", to_at=None, run_id=run.public_id)
    Run.unscoped.update(state="failed")
    release_abandoned_gaps(now=NOON)
    gap.refresh_from_db()
    assert gap.state == "open" and gap.due_at > NOON


@pytest.mark.parametrize("state", ["waiting", "blocked"])
def test_a_run_that_waits_ends_when_its_gaps_are_cancelled(make, connection, source, state):
    run = start_gap_run(connection, now=NOON)
    make.gap(source, state="reading", run_id=run.public_id)
    Run.unscoped.update(state=state)
    release_abandoned_gaps(now=NOON)
    assert Run.unscoped.get().state == state
    cancel_gaps([source], "not_wanted", now=NOON)
    release_abandoned_gaps(now=NOON)
    assert (Run.unscoped.get().state, InboundGap.unscoped.get().state) == ("cancelled",) * 2
