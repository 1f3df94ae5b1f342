"""A refresh happens once, is stored first, and asks a person only if the grant has ended."""

from datetime import timedelta

import pytest

from connectors.http import Response
from hub.connections.models import Credential
from hub.connections.tasks import recover_refused_credentials
from hub.egress import ResponseNotReceived
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.connections.token_refresh import (
    DUE,
    ENDED,
    RENEWED,
    SESSION_ENDED,
    connection,
    lane,
    reject_and_refresh,
    reject_token,
    run_refresh,
    scheduled,
)
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db
__all__ = ["connection", "scheduled"]  # the fixtures


def test_a_401_holds_the_lane_and_costs_no_attempt(make, connection):
    delivery = make.delivery(connection)
    pump(FakeHttp(SESSION_ENDED))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempt_count, lane(connection).hold_reason) == (
        "waiting",
        0,
        "refreshing",
    )


def test_the_new_token_is_stored_beside_the_kept_refresh_token_and_the_lane_goes_on(connection):
    assert reject_and_refresh(connection, FakeHttp(RENEWED))
    connection.refresh_from_db()
    document = Credential.unscoped.get().open(connection)
    assert (document["access_token"], document["refresh_token"]) == (
        "00Dnew!token",
        "5Aeptestrefresh",
    )
    assert connection.settings["instance_url"] == "https://acme2.my.salesforce.com"
    assert (
        Credential.unscoped.get().version,
        lane(connection).hold_reason,
        lane(connection).due_at,
    ) == (2, "", NOON)


def test_one_side_refreshes_and_the_others_leave_it(connection):
    Credential.unscoped.update(refresh_lease_until=NOON + timedelta(seconds=30))
    http = FakeHttp(RENEWED)
    assert not reject_and_refresh(connection, http)
    assert http.requests == []


def test_an_ended_grant_asks_for_a_person(connection):
    reject_and_refresh(connection, FakeHttp(ENDED))
    connection.refresh_from_db()
    assert (connection.state, lane(connection).hold_reason) == (
        "needs_reconnect",
        "needs_reconnect",
    )


@pytest.mark.parametrize(
    "answer", [Response(503), Response(200, b"<html>"), ResponseNotReceived("timed_out")]
)
def test_an_outage_only_waits(connection, answer):
    reject_and_refresh(connection, FakeHttp(answer))
    connection.refresh_from_db()
    assert (connection.state, lane(connection).hold_reason) == ("healthy", "refreshing")
    assert Credential.unscoped.get().refresh_lease_until > NOON
    assert reject_and_refresh(connection, FakeHttp(RENEWED), at=NOON + MINUTE)


SECOND = timedelta(seconds=1)


def refuse_token_repeatedly(connection, times):
    """Each new token is refused a second after it came; gives the moments at which another was
    asked for.
    """
    at, asked = NOON, []
    for _ in range(times):
        reject_token(connection, at)
        due = Credential.unscoped.get().refresh_due_at
        assert not run_refresh(connection, FakeHttp([]), at=due - SECOND) and run_refresh(
            connection, FakeHttp(RENEWED), at=due
        )
        asked.append((due - at).total_seconds())
        at = due + SECOND
    return asked


def test_a_new_token_that_is_refused_at_once_is_asked_for_again_at_growing_intervals(connection):
    assert refuse_token_repeatedly(connection, 9) == [0, 10, 20, 40, 80, 160, 320, 600, 600]


def test_no_person_is_asked_where_the_token_endpoint_still_grants(connection):
    refuse_token_repeatedly(connection, 3)
    connection.refresh_from_db()
    assert (connection.state, connection.reason) == ("degraded", "refused_again")
    assert (
        lane(connection).hold_reason == ""
        and not connection.notices.filter(kind="needs_reconnect").exists()
    )


def test_only_a_confirmed_end_of_the_grant_asks_a_person(connection):
    refuse_token_repeatedly(connection, 2)
    reject_token(connection, NOON + MINUTE)
    run_refresh(connection, FakeHttp(ENDED), at=NOON + 5 * MINUTE)
    connection.refresh_from_db()
    assert (connection.state, connection.reason) == ("needs_reconnect", "invalid_grant")


def test_a_new_token_that_lives_for_a_minute_ends_the_trouble(connection):
    refuse_token_repeatedly(connection, 3)
    given = Credential.unscoped.get().updated_at
    recover_refused_credentials(now=given + 59 * SECOND)
    connection.refresh_from_db()
    assert connection.state == "degraded"
    recover_refused_credentials(now=given + MINUTE)
    connection.refresh_from_db()
    assert (connection.state, Credential.unscoped.get().refusals) == ("healthy", 0)


def test_calls_that_were_refused_together_count_once(connection):
    reject_and_refresh(connection, FakeHttp(RENEWED))
    for second in (1, 2, 3):
        reject_token(connection, NOON + second * SECOND)
    row = Credential.unscoped.get()
    assert (row.refusals, row.refresh_due_at) == (1, NOON + 11 * SECOND)


RESTRICTED = Response(
    400, b'{"error":"invalid_grant","error_description":"ip restricted or invalid login hours"}'
)


def test_where_the_user_may_not_sign_in_at_this_hour_it_is_asked_again_later(scheduled):
    http = FakeHttp(RESTRICTED)
    run_refresh(scheduled, http, at=DUE)
    scheduled.refresh_from_db()
    assert (scheduled.state, scheduled.reason, len(http.requests)) == (
        "degraded",
        "refresh_failing",
        1,
    )
    assert scheduled.detail == "ip restricted or invalid login hours"
    assert run_refresh(scheduled, FakeHttp(RENEWED), at=DUE + timedelta(hours=12))
    scheduled.refresh_from_db()
    assert scheduled.state == "healthy"


def test_a_401_of_an_older_token_just_goes_again(make, connection):
    delivery = make.delivery(connection)

    def meanwhile_refreshed(request):
        Credential.unscoped.update(version=2)
        return SESSION_ENDED

    pump(FakeHttp(meanwhile_refreshed))
    delivery.refresh_from_db()
    assert (delivery.state, lane(connection).hold_reason) == ("waiting", "")
