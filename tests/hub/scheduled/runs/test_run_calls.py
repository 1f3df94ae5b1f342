"""Calls of a run: repeated, waited for, blocked, limited."""

from connectors.http import Response
from hub.connections.models import BREAKER, Connection, Credential, Lane
from hub.egress import RequestNotSent
from hub.notices.models import Notice
from hub.queue import WakeUp
from hub.scheduled.runs.calls.breaker_probe import claim_probe
from hub.scheduled.runs.open_runs import resume_blocked_runs
from tests.factories import MINUTE, NOON
from tests.hub.scheduled.run_helpers import (
    OK,
    Network,
    Time,
    after,
    ask_a_person,
    call_many_times,
    job_of,
    read_salesforce,
    read_three_pages,
    run_due,
    run_of,
)

EXPIRED = Response(401, b"expired")


def test_a_call_is_repeated_and_then_the_run(make, slack_connection, run_reports):
    run_reports(read_three_pages)
    run = run_of(make, job_of(make, slack_connection.tenant))
    network = run_due(Network(Response(503, b"", {"retry-after": "1"}), Response(200, b"{}")))
    run.refresh_from_db()
    assert (run.state, len(network.requests)) == ("finished", 4)


def test_a_system_that_does_not_answer_fails_the_attempt(make, slack_connection, run_reports):
    run_reports(read_three_pages)
    run = run_of(make, job_of(make, slack_connection.tenant))
    answers = [Response(503, b"", {"retry-after": "1"}), RequestNotSent("connect_failed", "host")]
    network = run_due(Network(*answers * 2))
    run.refresh_from_db()
    assert (run.state, run.reason) == ("waiting", "connect_failed")
    assert len(network.requests) == 4


def test_a_long_wait_is_a_row_and_no_attempt(make, slack_connection, run_reports):
    run_reports(read_three_pages)
    run = run_of(make, job_of(make, slack_connection.tenant))
    run_due(Network(Response(429, b"", {"retry-after": "900"})))
    run.refresh_from_db()
    assert (run.state, run.reason, run.attempt_count) == ("waiting", "throttled", 0)
    assert run.due_at == after(seconds=900)


def test_a_429_without_a_time_is_not_asked_again_before_its_pause_ends(
    make, slack_connection, run_reports
):
    run_reports(read_three_pages)
    run = run_of(make, job_of(make, slack_connection.tenant))
    network = run_due(Network(Response(429)))
    run.refresh_from_db()
    assert (len(network.requests), run.state, run.reason) == (1, "waiting", "throttled")
    assert run.due_at == after(seconds=60)


def test_a_refused_account_blocks_the_run_until_it_is_reconnected(
    make, slack_connection, run_reports
):
    run_reports(read_three_pages)
    run = run_of(make, job_of(make, slack_connection.tenant))
    run_due(Network(EXPIRED))
    run.refresh_from_db()
    slack_connection.refresh_from_db()
    assert (run.state, run.reason) == ("blocked", "needs_reconnect")
    assert slack_connection.state == "needs_reconnect"
    assert resume_blocked_runs(now=NOON) == 0
    slack_connection.mark_healthy(now=NOON)
    assert resume_blocked_runs(now=NOON) == 1
    run_due()
    run.refresh_from_db()
    assert run.state == "finished"


def test_a_run_that_is_blocked_at_the_end_of_its_window_fails(make, slack_connection):
    run = run_of(
        make, job_of(make, slack_connection.tenant), state="blocked", reason="needs_reconnect"
    )
    resume_blocked_runs(now=run.window_ends_at)
    run.refresh_from_db()
    assert (run.state, run.reason) == ("failed", "needs_reconnect")
    assert Notice.unscoped.filter(kind="run_failed").count() == 1


def test_a_run_waits_for_the_system_to_be_connected(make, run_reports):
    run_reports(read_three_pages)
    tenant = make.tenant()
    run = run_of(make, job_of(make, tenant))
    run_due()
    run.refresh_from_db()
    assert (run.state, run.reason, run.blocking_system) == ("blocked", "not_connected", "slack")
    assert resume_blocked_runs(now=NOON) == 0
    make.connection(tenant, "slack")
    assert resume_blocked_runs(now=NOON) == 1


def test_an_unknown_need_of_a_person_ends_with_a_change_of_the_connection(
    make, slack_connection, run_reports
):
    run_reports(ask_a_person)
    run = run_of(make, job_of(make, slack_connection.tenant))
    run_due()
    run.refresh_from_db()
    assert (run.state, run.reason, run.detail) == ("blocked", "permission_missing", "files:write")
    assert resume_blocked_runs(now=NOON) == 0


def test_calls_in_flight_of_a_run_are_limited(make, slack_connection, run_reports, settings):
    run_reports(call_many_times)
    settings.HUB_RUN_CALLS = 3
    run = run_of(make, job_of(make, slack_connection.tenant))
    network = run_due(Network(seconds=0.05))
    run.refresh_from_db()
    assert (run.state, run.result) == ("finished", {"answers": 20})
    assert 1 < network.most_in_flight <= 3


def test_a_call_goes_on_with_the_new_token(make, run_reports):
    run_reports(read_salesforce)
    connection = make.connection(make.tenant(), "salesforce")
    run = run_of(make, job_of(make, connection.tenant, connector="salesforce"))

    def refresh():  # on the database thread, as the task of refreshes does
        Credential.unscoped.filter(pk=connection.pk).update(version=2, rejected_at=None)
        Lane.unscoped.filter(pk=connection.pk).update(hold_reason="")

    network = run_due(Network(EXPIRED, OK), is_slot_wanted=refresh, yield_after=0.0)
    run.refresh_from_db()
    assert (run.state, len(network.requests)) == ("finished", 2)


def test_an_expired_token_is_refreshed_by_the_task_of_refreshes(make, run_reports):
    run_reports(read_salesforce)
    connection = make.connection(make.tenant(), "salesforce")
    run = run_of(make, job_of(make, connection.tenant, connector="salesforce"))
    run_due(Network(EXPIRED), clock=Time(step=MINUTE))
    run.refresh_from_db()
    assert WakeUp.objects.filter(name=f"refresh:{connection.pk}").exists()
    assert (run.state, run.reason) == ("waiting", "refreshing")


def open_breaker(connection, *, until=NOON):
    Lane.unscoped.filter(connection=connection).update(
        hold_reason=BREAKER, open_until=until, breaker_trips=1, failing_since=NOON - MINUTE
    )
    Connection.unscoped.filter(pk=connection.pk).update(state="degraded", reason=BREAKER)


def test_one_call_of_a_run_probes_an_open_breaker_and_the_others_wait_for_it(
    make, slack_connection, run_reports
):
    run_reports(call_many_times)
    run = run_of(make, job_of(make, slack_connection.tenant))
    open_breaker(slack_connection)
    answered = []  # before each call

    class Watched(Network):
        async def __call__(self, request):
            answered.append(len(self.requests) - self.in_flight)
            return await super().__call__(request)

    network = run_due(Watched(seconds=0.3))
    run.refresh_from_db()
    lane = Lane.unscoped.select_related("connection").get()
    assert (run.state, len(network.requests), answered[:2]) == ("finished", 20, [0, 1])
    assert (lane.hold_reason, lane.open_until, lane.failing_since) == ("", None, None)
    assert lane.connection.state == "healthy"


def test_a_failed_probe_of_a_run_keeps_the_breaker_open_for_longer(
    make, slack_connection, run_reports
):
    run_reports(call_many_times)
    run = run_of(make, job_of(make, slack_connection.tenant))
    open_breaker(slack_connection)
    network = run_due(Network(Response(503)))
    run.refresh_from_db()
    lane = Lane.unscoped.get()
    assert (len(network.requests), run.state, run.reason) == (1, "waiting", BREAKER)
    assert (lane.hold_reason, lane.breaker_trips) == (BREAKER, 2)
    assert lane.open_until == NOON + MINUTE


def test_a_probe_that_another_process_sends_leaves_none_for_a_run(
    make, slack_connection, run_reports
):
    run_reports(read_three_pages)
    run = run_of(make, job_of(make, slack_connection.tenant))
    open_breaker(slack_connection)
    stale = Lane.unscoped.get()
    assert claim_probe(stale, now=NOON)
    network = run_due()
    run.refresh_from_db()
    assert (network.requests, run.state, run.reason) == ([], "waiting", BREAKER)
    assert not claim_probe(Lane(pk=stale.pk, open_until=NOON), now=NOON)


def test_a_run_may_call_when_the_time_of_an_open_breaker_is_over(
    make, slack_connection, run_reports
):
    run_reports(read_three_pages)
    run = run_of(make, job_of(make, slack_connection.tenant))
    Lane.unscoped.update(hold_reason=BREAKER, open_until=NOON + MINUTE)
    run_due()
    run.refresh_from_db()
    assert (run.state, run.reason) == ("waiting", BREAKER)
    Lane.unscoped.update(open_until=NOON)
    run_due(clock=Time(run.due_at))
    run.refresh_from_db()
    assert run.state == "finished"
