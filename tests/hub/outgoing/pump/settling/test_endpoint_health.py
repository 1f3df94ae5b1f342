"""A connection whose calls fail reads as degraded with the last answer, and as healthy by the first
success.
"""

from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connectors.http import Response
from connectors.outcomes import Outcome, later
from hub.connections.models import Connection, Lane
from hub.egress import RequestNotSent, ResponseNotReceived
from hub.notices.models import Notice
from hub.outgoing.models import Delivery
from hub.outgoing.pump.settling.endpoint_health import last_failure_texts, update_endpoint_health
from hub.outgoing.pump.types import LaneBatch, OutboundRequest, SendResult
from hub.sweep import run_sweep
from tests.factories import NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db

SECOND, STEP = timedelta(seconds=1), timedelta(seconds=15)
REFUSED = Response(400, b"no such field: colour")
BUSY = Response(503, b'{"text":"Server is busy","code":9}')
LOCKED = b'[{"success":false,"errors":[{"statusCode":"UNABLE_TO_LOCK_ROW","message":"busy"}]}]'
INVALID = b'[{"success":false,"errors":[{"statusCode":"INVALID_EMAIL_ADDRESS","message":"no"}]}]'
SLACK_DOWN = Response(200, b'{"ok":false,"error":"internal_error"}')
SLACK_REFUSES = Response(200, b'{"ok":false,"error":"channel_not_found"}')
FAILURES = {
    "endpoint answers 400": ("webhook", REFUSED),
    "endpoint redirects": ("webhook", Response(302)),
    "endpoint is away": ("webhook", RequestNotSent("connect_failed")),
    "Splunk answers 503": ("splunk", BUSY),
    "Slack answers 500": ("slack", Response(500)),
    "Slack has an internal error": ("slack", SLACK_DOWN),
    "Salesforce does not answer": ("salesforce", ResponseNotReceived("timed_out")),
}
REFUSALS = {
    "endpoint limits its rate": ("webhook", Response(429)),
    "Slack limits its rate": ("slack", Response(429)),
    "Slack refuses a message": ("slack", SLACK_REFUSES),
    "Salesforce has locked a record": ("salesforce", Response(200, LOCKED)),
    "Salesforce refuses a record": ("salesforce", Response(200, INVALID)),
}


@pytest.fixture
def sending(make):
    """Sends one delivery at a time, each 15 seconds after the one before, and gives what the
    connection reads as.
    """
    moments = (NOON + number * STEP for number in range(1, 1_000))

    def send(connector, *answers, at=None):
        row = Connection.unscoped.filter(connector_key=connector).first() or make.connection(
            connector=connector
        )
        for answer in answers:
            now = at or next(moments)
            delivery = make.delivery(row, now=now)
            Delivery.unscoped.exclude(pk=delivery.pk).filter(state="waiting").update(
                due_at=now + timedelta(days=1)
            )
            Lane.unscoped.update(due_at=now, hold_reason="")
            pump(FakeHttp(answer), at=now)
        row.refresh_from_db()
        return row

    return send


@pytest.mark.parametrize("case", FAILURES)
def test_three_failed_calls_in_a_row_degrade_it(sending, case):
    connector, answer = FAILURES[case]
    assert sending(connector, answer, answer).state == "healthy"
    assert sending(connector, answer).state == "degraded"


@pytest.mark.parametrize("case", REFUSALS)
def test_what_a_record_or_a_quota_was_refused_for_says_nothing_of_the_connection(sending, case):
    connector, answer = REFUSALS[case]
    assert sending(connector, *[answer] * 5).state == "healthy"
    run_sweep(now=NOON + timedelta(hours=1))
    assert Connection.unscoped.get().state == "healthy"


def test_it_says_the_last_answer_since_when_and_whose_it_is_to_fix(sending):
    row = sending("webhook", Response(500), *[REFUSED] * 3)
    assert (row.reason, row.detail) == ("endpoint_refuses", "400: no such field: colour")
    assert row.state_changed_at == NOON + STEP
    notice = Notice.unscoped.get()
    assert notice.kind == "degraded" and "400: no such field: colour" in notice.sentence


def test_another_answer_replaces_the_one_that_is_shown(sending):
    row = sending("webhook", *[REFUSED] * 3, Response(500, b"boom"))
    assert (row.state, row.reason, row.detail) == ("degraded", "calls_failing", "500: boom")


def test_the_first_success_makes_it_healthy_again_and_ends_its_notice(sending):
    sending("webhook", *[REFUSED] * 3)
    row = sending("webhook", Response(200))
    assert (row.state, row.reason, row.detail) == ("healthy", "", "")
    assert Notice.unscoped.get().resolved_at
    assert sending("webhook", REFUSED, REFUSED).state == "healthy"


def test_a_success_between_failures_begins_the_count_anew(sending):
    assert sending("webhook", REFUSED, REFUSED, Response(200), REFUSED, REFUSED).state == "healthy"


def test_a_failed_request_for_a_confirmation_is_a_failed_call_and_no_success(make):
    row = make.connection(connector="splunk")
    for number, kind in enumerate(("later", "pending", "later")):
        outcome = Outcome(kind, "throttled", "Server is busy")
        request = OutboundRequest(row.public_id, None, [], None, ())
        send_result = SendResult(LaneBatch(row.lane, row, None), request, [outcome], NOON, 1, BUSY)
        texts = last_failure_texts([send_result])
        update_endpoint_health([send_result], texts, now=NOON + number * SECOND)
    row.refresh_from_db()
    assert (row.state, row.detail) == ("degraded", "503: Server is busy")


def test_a_minute_of_only_failures_degrades_it_although_no_call_goes(sending):
    sending("webhook", Response(500))
    run_sweep(now=NOON + STEP + 59 * SECOND)
    assert Connection.unscoped.get().state == "healthy"
    run_sweep(now=NOON + STEP + 60 * SECOND)
    row = Connection.unscoped.get()
    assert (row.state, row.reason, row.detail) == ("degraded", "calls_failing", "500")


def test_a_success_does_not_heal_what_a_refresh_found(sending):
    sending("slack", Response(500)).mark_degraded("refresh_failing", now=NOON)
    Connection.unscoped.update(checks_failed=2)
    posted = Response(200, b'{"ok":true,"channel":"C1","ts":"1.1"}')
    assert sending("slack", posted).reason == "refresh_failing"


def test_a_connection_that_a_person_paused_stays_paused(sending):
    row = sending("webhook", REFUSED, REFUSED)
    row.pause("stocktaking", until=None, now=NOON)
    Lane.unscoped.update(hold_reason="")
    assert sending("webhook", REFUSED).state == "paused"


def test_a_flapping_endpoint_gets_one_notice_an_hour(sending):
    for _ in range(4):
        sending("webhook", *[REFUSED] * 3, Response(200))
    assert Notice.unscoped.count() == 1


def test_more_failures_in_one_settling_cost_no_more_statements(make):
    counts = []
    for calls in (3, 3, 30):  # the first one sends wake-ups that stay pending
        row = make.connection()
        request = OutboundRequest(row.public_id, None, [], None, ())
        send_result = SendResult(
            LaneBatch(row.lane, row, None), request, [later("status_400")], NOON, 1, REFUSED
        )
        with CaptureQueriesContext(database) as queries:
            update_endpoint_health(
                [send_result] * calls, last_failure_texts([send_result]), now=NOON
            )
        counts.append(len(queries))
    assert counts[1] == counts[2]
