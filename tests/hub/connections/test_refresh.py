"""An access token is refreshed once, stored first, and only a person is asked when nothing else helps."""

from datetime import timedelta

import pytest

from connectors.wire import Response
from hub.connections.models import Credential
from hub.egress import Unanswered
from tests.fakes import FakeHttp
from tests.hub.connections.refreshing import (
    ENDED,
    RENEWED,
    SESSION_ENDED,
    connection,
    lane,
    renew,
    scheduled,
)
from tests.hub.outgoing.test_pump import pump
from tests.makers import MINUTE, NOON

pytestmark = pytest.mark.django_db
__all__ = ["connection", "scheduled"]  # the fixtures


def test_a_401_holds_the_lane_and_costs_no_attempt(make, connection):
    delivery = make.delivery(connection)
    pump(FakeHttp(SESSION_ENDED))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, lane(connection).held) == ("waiting", 0, "refreshing")


def test_the_new_token_is_stored_beside_the_kept_refresh_token_and_the_lane_goes_on(connection):
    assert renew(connection, FakeHttp(RENEWED))
    connection.refresh_from_db()
    document = Credential.unscoped.get().open(connection)
    assert (document["access_token"], document["refresh_token"]) == ("00Dnew!token", "5Aeptestrefresh")
    assert connection.settings["instance_url"] == "https://acme2.my.salesforce.com"
    assert (Credential.unscoped.get().version, lane(connection).held, lane(connection).due_at) == (2, "", NOON)


def test_one_side_refreshes_and_the_others_leave_it(connection):
    Credential.unscoped.update(refreshing_until=NOON + timedelta(seconds=30))
    http = FakeHttp(RENEWED)
    assert not renew(connection, http)
    assert http.requests == []


def test_an_ended_grant_asks_for_a_person(connection):
    renew(connection, FakeHttp(ENDED))
    connection.refresh_from_db()
    assert (connection.state, lane(connection).held) == ("needs_reconnect", "needs_reconnect")


@pytest.mark.parametrize("answer", [Response(503), Response(200, b"<html>"), Unanswered("timed_out")])
def test_an_outage_only_waits(connection, answer):
    renew(connection, FakeHttp(answer))
    connection.refresh_from_db()
    assert (connection.state, lane(connection).held) == ("healthy", "refreshing")
    assert Credential.unscoped.get().refreshing_until > NOON
    assert renew(connection, FakeHttp(RENEWED), at=NOON + MINUTE)


def test_a_fresh_token_that_is_refused_too_is_not_refreshed_for_ever(connection):
    renew(connection, FakeHttp(RENEWED))
    http = FakeHttp(RENEWED)
    renew(connection, http, at=NOON + timedelta(seconds=5))
    connection.refresh_from_db()
    assert (http.requests, connection.state, connection.reason) == ([], "needs_reconnect", "refused_after_refresh")


def test_a_401_of_an_older_token_just_goes_again(make, connection):
    delivery = make.delivery(connection)

    def meanwhile_refreshed(request):
        Credential.unscoped.update(version=2)
        return SESSION_ENDED

    pump(FakeHttp(meanwhile_refreshed))
    delivery.refresh_from_db()
    assert (delivery.state, lane(connection).held) == ("waiting", "")
