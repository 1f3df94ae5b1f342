"""An answer that may be lost is known as such; and the two tokens of Slack live each by itself."""

from datetime import timedelta

import pytest

from connectors.base import Grant
from connectors.http import Response
from connectors.registry import CONNECTORS
from hub.connections.models import Credential, CredentialEvent
from hub.connections.token_lifetimes import build_fresh_columns
from hub.crypto.sealed import seal
from hub.egress import RequestNotSent, ResponseNotReceived
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.connections.token_refresh import (
    DUE,
    ENDED,
    RENEWED,
    connection,
    credential,
    lane,
    list_event_kinds,
    list_refresh_wake_ups,
    run_refresh,
    scheduled,
    stored_row,
)

pytestmark = pytest.mark.django_db
__all__ = ["connection", "scheduled"]  # the fixtures


# --- an answer that was lost ---


def die_half_way(connection, at=DUE):
    """A side that claims, asks, has its answer, and is gone."""

    class Killed(BaseException):
        pass

    def answers(request):
        raise Killed

    with pytest.raises(Killed):
        run_refresh(connection, FakeHttp(answers), at=at)


def test_the_worker_after_a_crash_knows_that_an_answer_may_be_lost(scheduled):
    die_half_way(scheduled)
    assert list_refresh_wake_ups(DUE + timedelta(seconds=29)) == set()
    assert run_refresh(scheduled, FakeHttp(RENEWED), at=DUE + timedelta(seconds=31))
    assert list_event_kinds() == ["unsure", "refreshed"]
    assert (stored_row().refresh_outcome_unknown_since, stored_row().refresh_started_at) == (
        None,
        None,
    )


def test_a_lost_answer_is_the_stated_reason_why_a_grant_ended(scheduled):
    die_half_way(scheduled)
    run_refresh(scheduled, FakeHttp(ENDED), at=DUE + timedelta(seconds=31))
    scheduled.refresh_from_db()
    assert (scheduled.state, scheduled.reason) == ("needs_reconnect", "refresh_lost")
    assert "The response with the new access token was lost" in scheduled.notices.get().sentence


@pytest.mark.parametrize(
    "answer", [ResponseNotReceived("timed_out"), Response(500), Response(200, b"<html>")]
)
def test_an_answer_that_never_came_may_be_lost_too(scheduled, answer):
    run_refresh(scheduled, FakeHttp(answer), at=DUE)
    assert stored_row().refresh_outcome_unknown_since == DUE


@pytest.mark.parametrize("answer", [RequestNotSent("dns_failed"), Response(503), Response(429)])
def test_a_refresh_that_surely_had_no_effect_is_not_unknown(scheduled, answer):
    run_refresh(scheduled, FakeHttp(answer), at=DUE)
    assert stored_row().refresh_outcome_unknown_since is None


def test_a_very_late_grant_heals_only_what_its_absence_broke(scheduled):
    def slow(request):
        run_refresh(scheduled, FakeHttp(ENDED), at=DUE + timedelta(seconds=31))
        return RENEWED

    assert run_refresh(scheduled, FakeHttp(slow), at=DUE)
    scheduled.refresh_from_db()
    assert (scheduled.state, credential(scheduled)["access_token"]) == ("healthy", "00Dnew!token")


# --- Slack: two tokens in one document ---

USER_RENEWED = Response(
    200,
    b'{"ok":true,"access_token":"xoxe.xoxp-2","refresh_token":"xoxe-1-u2","expires_in":43200,"team":{"id":"T1"}}',
)
USER_ENDED = Response(200, b'{"ok":false,"error":"invalid_refresh_token"}')
TWO = {
    "access_token": "b1",
    "refresh_token": "br1",
    "user_access_token": "u1",
    "user_refresh_token": "ur1",
}


@pytest.fixture
def slack(make):
    make.app("slack", {"client_id": "id", "client_secret": "a client secret"})
    connection = make.connection(connector="slack", account="T1", secret=TWO)
    columns = build_fresh_columns(
        CONNECTORS["slack"],
        Grant(TWO, expires_in=43200.0, token_lifetimes={"user_": 3600.0}),
        now=NOON,
        random=lambda: 0.5,
    )
    Credential.unscoped.update(sealed=seal(TWO, Credential.binding(connection)), **columns)
    return connection


def test_the_user_token_is_refreshed_by_itself(slack):
    http = FakeHttp(USER_RENEWED)
    assert run_refresh(slack, http, at=NOON + 48 * MINUTE)
    assert http.requests[0].form["refresh_token"] == "ur1"
    assert credential(slack) == {
        **TWO,
        "user_access_token": "xoxe.xoxp-2",
        "user_refresh_token": "xoxe-1-u2",
    }
    assert stored_row().refresh_due_at == NOON + timedelta(seconds=43200 * 0.8)  # the bot's


def test_a_user_token_that_ended_does_not_stop_what_the_bot_sends(slack):
    run_refresh(slack, FakeHttp(USER_ENDED), at=NOON + 48 * MINUTE)
    slack.refresh_from_db()
    assert (slack.state, slack.reason, lane(slack).hold_reason) == (
        "degraded",
        "further_token_ended",
        "",
    )
    assert stored_row().refresh_due_at == NOON + timedelta(seconds=43200 * 0.8)


def test_no_event_of_the_life_line_tells_a_token(slack):
    run_refresh(
        slack,
        FakeHttp(Response(200, b'{"ok":false,"error":"ur1 xoxe-1-secret a client secret"}')),
        at=NOON + 48 * MINUTE,
    )
    assert "a client secret" not in str(list(CredentialEvent.unscoped.values()))
