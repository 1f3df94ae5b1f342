"""Liveness checks find a credential that ended before an event does."""

from datetime import timedelta

import pytest

from connectors.http import Response
from hub.connections.credentials import liveness
from hub.connections.models import Connection, Credential, CredentialEvent, Lane
from hub.crypto.sealed import seal
from hub.egress import RequestNotSent
from hub.queue import WakeUp
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp

pytestmark = pytest.mark.django_db

OK = Response(
    200, b'{"ok":true,"team_id":"T1","team":"Acme","user_id":"U1","url":"https://acme.slack.com/"}'
)
REVOKED = Response(200, b'{"ok":false,"error":"token_revoked"}')
EXPIRED = Response(200, b'{"ok":false,"error":"token_expired"}')
LONG_AGO = NOON - timedelta(hours=9)


@pytest.fixture
def slack(make):
    row = make.connection(connector="slack", account="T1", check_at=NOON)
    Lane.unscoped.update(virtual_time=LONG_AGO)
    return row


def check_connections(answer, at=NOON):
    http = FakeHttp(answer)
    liveness.check_due_connections(
        call=http.call,
        clock=lambda: at,
        random=lambda: 0.5,
        is_stopping=lambda: False,
        report_progress=lambda: None,
    )
    return http.requests


def read_check_state(row):
    row.refresh_from_db()
    return row.state, row.reason, row.check_at - NOON


def test_a_check_that_passes_only_says_when_the_next_is(slack):
    (call,) = check_connections(OK)
    assert call.url.endswith("/auth.test")
    assert read_check_state(slack) == ("healthy", "", timedelta(hours=6))
    assert slack.checked_at == NOON


def test_checks_are_spread(make):
    row = make.connection(connector="slack")
    assert check_connections(OK) == []
    assert read_check_state(row) == ("healthy", "", timedelta(hours=3))


def test_a_connection_with_a_recent_delivery_needs_no_probe(slack):
    Lane.unscoped.update(virtual_time=NOON - timedelta(hours=1))
    assert check_connections(OK) == []
    Connection.unscoped.update(check_at=NOON)
    Lane.unscoped.update(failing_since=NOON - timedelta(minutes=30))
    assert len(check_connections(OK)) == 1


def test_a_revoked_token_is_found_and_reported(slack):
    check_connections(REVOKED)
    assert read_check_state(slack)[:2] == ("needs_reconnect", "token_revoked")
    assert slack.notices.get().kind == "needs_reconnect"
    assert len(check_connections(REVOKED, at=NOON + timedelta(days=1))) == 1
    assert slack.notices.count() == 1


def test_what_an_administrator_has_undone_works_again_by_itself(slack):
    check_connections(REVOKED)
    Lane.unscoped.update(virtual_time=NOON + timedelta(hours=5))
    check_connections(OK, at=NOON + timedelta(hours=7))
    assert read_check_state(slack)[:2] == ("healthy", "") and Lane.unscoped.get().hold_reason == ""
    assert [notice.kind for notice in slack.notices.order_by("pk")] == [
        "needs_reconnect",
        "works_again",
    ]


def test_a_grant_that_a_refresh_found_ended_is_not_probed(slack):
    slack.mark_needs_reconnect("invalid_grant", now=NOON)
    CredentialEvent.record_event(slack, "ended", version=1, now=NOON)
    assert check_connections(OK) == []
    assert read_check_state(slack)[0] == "needs_reconnect"


def test_a_token_that_ended_is_refreshed(slack):
    check_connections(EXPIRED)
    assert WakeUp.objects.filter(name=f"refresh:{slack.pk}").exists()
    assert read_check_state(slack) == ("healthy", "", timedelta(minutes=10))
    assert Credential.unscoped.get().rejected_at == NOON


def test_one_outage_is_probed_again_and_two_in_a_row_are_reported(slack):
    check_connections(RequestNotSent("connect_failed"))
    assert read_check_state(slack) == ("healthy", "", timedelta(minutes=10))
    check_connections(Response(503), at=NOON + 10 * MINUTE)
    assert read_check_state(slack) == ("degraded", "unavailable", timedelta(minutes=20))
    assert slack.notices.get().kind == "degraded"
    check_connections(OK, at=NOON + 20 * MINUTE)
    assert read_check_state(slack)[:2] == ("healthy", "")
    assert slack.checks_failed == 0


def test_a_passing_check_does_not_answer_what_a_refresh_asks(slack):
    slack.mark_degraded("refresh_failing", now=NOON)
    check_connections(OK)
    assert read_check_state(slack)[:2] == ("degraded", "refresh_failing")


def test_a_passing_check_does_not_prove_the_webhooks_of_a_silent_connection(slack):
    slack.mark_silent("source_silent", now=NOON)
    check_connections(OK)
    assert read_check_state(slack)[:2] == ("silent", "source_silent")


def test_a_quota_that_is_spent_postpones_it(slack):
    check_connections(Response(429, headers={"retry-after": "600"}, at=NOON))
    assert read_check_state(slack) == ("healthy", "", timedelta(minutes=10))
    assert check_connections(OK, at=NOON + 5 * MINUTE) == []


def test_a_credential_that_does_not_open_is_reported_after_the_second_time(slack):
    Credential.unscoped.update(sealed=seal({}, "another row"))
    check_connections(OK)
    check_connections(OK, at=NOON + 10 * MINUTE)
    assert read_check_state(slack)[:2] == ("degraded", "credential_unreadable")


def test_a_customers_endpoint_is_not_called_for_it(make):
    make.connection(connector="webhook", check_at=NOON)
    assert not liveness.find_due_checks(now=NOON).exists()


def test_one_side_checks(slack):
    rows = list(liveness.find_due_checks(now=NOON).select_related("credential", "lane"))
    check_connections(OK)
    assert (
        liveness.check_liveness(rows[0], call=FakeHttp([]).call, now=NOON, random=lambda: 0) is None
    )


def test_a_worker_that_stops_begins_none(slack):
    http = FakeHttp(OK)
    liveness.check_due_connections(
        call=http.call,
        clock=lambda: NOON,
        random=lambda: 0,
        is_stopping=lambda: True,
        report_progress=lambda: None,
    )
    assert http.requests == []
