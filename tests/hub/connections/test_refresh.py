"""An access token is refreshed once, stored first, and only a person is asked when nothing else helps."""

from datetime import timedelta

import pytest

from connectors.base import Grant
from connectors.registry import CONNECTORS
from connectors.wire import Response
from hub.connections.lives import fresh
from hub.connections.models import Connection, Credential, CredentialEvent, Lane
from hub.connections.refresh import refresh
from hub.connections.tasks import ring_for_refreshes
from hub.egress import Unanswered, Unsent
from hub.queue import Bell
from hub.secrets import seal
from tests.fakes import FakeHttp
from tests.hub.outgoing.test_pump import pump
from tests.makers import MINUTE, NOON

pytestmark = pytest.mark.django_db

SESSION_ENDED = Response(401, b'[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]')
RENEWED = Response(
    200,
    b'{"access_token":"00Dnew!token","instance_url":"https://acme2.my.salesforce.com",'
    b'"id":"https://login.salesforce.com/id/00D000000000001AAA/005000000000001AAA"}',
)
ENDED = Response(400, b'{"error":"invalid_grant","error_description":"expired access/refresh token"}')


@pytest.fixture
def connection(make):
    make.app("salesforce", {"client_id": "id", "client_secret": "a client secret"})
    return make.connection(connector="salesforce", account="00D000000000001AAA")


def refused(connection, at=NOON):
    """The access token was, by a 401."""
    version = Credential.unscoped.get(connection=connection).version
    return Credential.unscoped.get(connection=connection).await_refresh(used=version, now=at)


def renew(connection, http, at=NOON):
    """What the task does after a 401."""
    refused(connection, at)
    return go(connection, http, at)


def go(connection, http, at=NOON):
    connection = Connection.unscoped.select_related("credential").get(pk=connection.pk)
    return refresh(connection, call=http.call, now=at, random=lambda: 0.5)


def lane(connection):
    return Lane.unscoped.get(connection=connection)


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


# --- early -----------------------------------------------------------------------------------------------------------

DUE = NOON + timedelta(minutes=96)  # 80 % of the two hours that a session of Salesforce has


@pytest.fixture
def scheduled(connection):
    """As if it was just authorized."""
    columns = fresh(CONNECTORS["salesforce"], Grant(dict(credential(connection))), now=NOON, random=lambda: 0.5)
    Credential.unscoped.update(**columns)
    return connection


def credential(connection):
    return Credential.unscoped.get(connection=connection).open(connection)


def row():
    return Credential.unscoped.get()


def rung(now):
    Bell.objects.all().delete()
    ring_for_refreshes(now=now)
    return {bell.name for bell in Bell.objects.all()}


def told(kind=None):
    events = CredentialEvent.unscoped.order_by("id")
    return [event.kind for event in (events.filter(kind=kind) if kind else events)]


def test_the_sweep_rings_when_it_is_due_and_not_before(scheduled):
    assert rung(DUE - MINUTE) == set()
    assert rung(DUE) == {f"refresh:{scheduled.pk}"}


def test_a_bell_without_a_reason_asks_nobody(scheduled):
    http = FakeHttp(RENEWED)
    assert not go(scheduled, http, at=DUE - MINUTE)
    assert http.requests == []


def test_an_early_refresh_does_not_hold_the_lane_and_is_due_again_at_80_percent(scheduled):
    assert go(scheduled, FakeHttp(RENEWED), at=DUE)
    assert (row().refresh_at, row().version, lane(scheduled).held) == (DUE + timedelta(minutes=96), 2, "")
    assert told() == ["refreshed"]


def test_fifty_sides_see_one_expiry_a_hundred_times_over_and_one_of_them_asks(connection):
    """The others come while the one has its answer and has not stored it; and once more when it has."""
    grants = []

    def answers(request):
        assert not any(go(connection, FakeHttp([]), at=NOW[0]) for _ in range(49))
        grants.append(f"00Dnew!{len(grants)}")
        return Response(200, RENEWED.body.replace(b"00Dnew!token", grants[-1].encode()))

    NOW = [NOON]
    for _ in range(100):
        NOW[0] += timedelta(hours=2)
        refused(connection, at=NOW[0])
        assert go(connection, FakeHttp(answers), at=NOW[0])
        assert not any(go(connection, FakeHttp([]), at=NOW[0]) for _ in range(49))
    assert (len(grants), credential(connection)["access_token"], row().version) == (100, grants[-1], 101)


def test_what_a_dead_process_left_held_after_its_store_goes_on(connection):
    refused(connection)
    Credential.unscoped.update(version=2, refused_at=None, refresh_at=None)
    ring_for_refreshes(now=NOON)
    assert (lane(connection).held, lane(connection).due_at) == ("", NOON)


# --- it does not come through -----------------------------------------------------------------------------------------


def test_it_waits_longer_each_time_and_never_long(scheduled):
    waits, now = [], DUE
    for _ in range(9):
        go(scheduled, FakeHttp(Response(503)), at=now)
        waits.append((row().refreshing_until - now).total_seconds())
        now = row().refreshing_until + timedelta(seconds=1)
    assert waits == [10, 20, 40, 80, 160, 320, 600, 600, 600]
    assert told() == ["refresh_failed"]


def test_an_outage_degrades_only_before_the_token_ends(scheduled):
    Credential.unscoped.update(expires_at=DUE + 10 * MINUTE)
    states, now = [], DUE
    while now < DUE + 12 * MINUTE:
        go(scheduled, FakeHttp(Response(503)), at=now)
        scheduled.refresh_from_db()
        states.append(scheduled.state)
        now = row().refreshing_until + timedelta(seconds=1)
    assert (states[0], states[3], states[-1], scheduled.reason) == ("healthy", "healthy", "degraded", "refresh_failing")
    assert go(scheduled, FakeHttp(RENEWED), at=now)
    scheduled.refresh_from_db()
    assert scheduled.state == "healthy"


def test_a_429_of_the_token_endpoint_is_no_failure_and_a_quota_costs_no_event(scheduled):
    go(scheduled, FakeHttp(Response(429, headers={"retry-after": "90"}, at=DUE)), at=DUE)
    assert (row().failures, row().refreshing_until, told()) == (0, DUE + timedelta(seconds=90), [])


def test_our_own_registration_that_lacks_something_is_told_and_nothing_is_lost(make):
    bare = make.connection(connector="salesforce", account="00D000000000001AAA")
    http = FakeHttp(RENEWED)
    assert not renew(bare, http)
    bare.refresh_from_db()
    assert (http.requests, bare.state, row().unsure_since, told()) == ([], "healthy", None, ["refresh_failed"])


def test_without_a_refresh_token_a_person_is_asked_at_once(make):
    pasted = make.connection(connector="slack")
    http = FakeHttp([])
    renew(pasted, http)
    pasted.refresh_from_db()
    assert (http.requests, pasted.state, pasted.reason) == ([], "needs_reconnect", "no_refresh_token")


def test_only_an_end_that_is_confirmed_is_one(scheduled):
    http = FakeHttp([ENDED, RENEWED])
    assert go(scheduled, http, at=DUE)
    scheduled.refresh_from_db()
    assert (scheduled.state, len(http.requests)) == ("healthy", 2)


def test_an_end_is_none_where_somebody_else_stored_another_token_meanwhile(scheduled):
    def meanwhile(request):
        Credential.unscoped.update(version=7)
        return ENDED

    http = FakeHttp(meanwhile)
    assert not go(scheduled, http, at=DUE)
    scheduled.refresh_from_db()
    assert (scheduled.state, len(http.requests), row().version) == ("healthy", 1, 7)


def test_an_ended_grant_is_not_asked_for_again(scheduled):
    go(scheduled, FakeHttp(ENDED), at=DUE)
    assert (row().refresh_at, rung(DUE + 60 * MINUTE), told()) == (None, set(), ["ended"])
    assert scheduled.notices.get().kind == "needs_reconnect"


# --- an answer that was lost ------------------------------------------------------------------------------------------


def die_half_way(connection, at=DUE):
    """A side that claims, asks, has its answer, and is gone."""

    class Killed(BaseException):
        pass

    def answers(request):
        raise Killed

    with pytest.raises(Killed):
        go(connection, FakeHttp(answers), at=at)


def test_whoever_comes_after_a_death_knows_that_an_answer_may_be_lost(scheduled):
    die_half_way(scheduled)
    assert rung(DUE + timedelta(seconds=29)) == set()
    assert go(scheduled, FakeHttp(RENEWED), at=DUE + timedelta(seconds=31))
    assert told() == ["unsure", "refreshed"]
    assert (row().unsure_since, row().asked_at) == (None, None)


def test_a_lost_answer_is_why_the_grant_ended_and_is_told_so(scheduled):
    die_half_way(scheduled)
    go(scheduled, FakeHttp(ENDED), at=DUE + timedelta(seconds=31))
    scheduled.refresh_from_db()
    assert (scheduled.state, scheduled.reason) == ("needs_reconnect", "refresh_lost")
    assert "The answer with the new access token was lost" in scheduled.notices.get().sentence


@pytest.mark.parametrize("answer", [Unanswered("timed_out"), Response(500), Response(200, b"<html>")])
def test_an_answer_that_never_came_may_be_lost_too(scheduled, answer):
    go(scheduled, FakeHttp(answer), at=DUE)
    assert row().unsure_since == DUE


@pytest.mark.parametrize("answer", [Unsent("dns_failed"), Response(503), Response(429)])
def test_what_surely_had_no_effect_leaves_nobody_unsure(scheduled, answer):
    go(scheduled, FakeHttp(answer), at=DUE)
    assert row().unsure_since is None


def test_a_grant_that_comes_very_late_mends_what_only_its_absence_broke(scheduled):
    def slow(request):
        go(scheduled, FakeHttp(ENDED), at=DUE + timedelta(seconds=31))
        return RENEWED

    assert go(scheduled, FakeHttp(slow), at=DUE)
    scheduled.refresh_from_db()
    assert (scheduled.state, credential(scheduled)["access_token"]) == ("healthy", "00Dnew!token")


# --- Slack: two tokens in one document --------------------------------------------------------------------------------

USER_RENEWED = Response(
    200, b'{"ok":true,"access_token":"xoxe.xoxp-2","refresh_token":"xoxe-1-u2","expires_in":43200,"team":{"id":"T1"}}'
)
USER_ENDED = Response(200, b'{"ok":false,"error":"invalid_refresh_token"}')
TWO = {"access_token": "b1", "refresh_token": "br1", "user_access_token": "u1", "user_refresh_token": "ur1"}


@pytest.fixture
def slack(make):
    make.app("slack", {"client_id": "id", "client_secret": "a client secret"})
    row = make.connection(connector="slack", account="T1", secret=TWO)
    columns = fresh(
        CONNECTORS["slack"], Grant(TWO, expires_in=43200.0, lives={"user_": 3600.0}), now=NOON, random=lambda: 0.5
    )
    Credential.unscoped.update(sealed=seal(TWO, Credential.binding(row)), **columns)
    return row


def test_the_user_token_is_refreshed_by_itself(slack):
    http = FakeHttp(USER_RENEWED)
    assert go(slack, http, at=NOON + 48 * MINUTE)
    assert http.requests[0].form["refresh_token"] == "ur1"
    assert credential(slack) == {**TWO, "user_access_token": "xoxe.xoxp-2", "user_refresh_token": "xoxe-1-u2"}
    assert row().refresh_at == NOON + timedelta(seconds=43200 * 0.8)  # the bot's


def test_a_user_token_that_ended_does_not_stop_what_the_bot_sends(slack):
    go(slack, FakeHttp(USER_ENDED), at=NOON + 48 * MINUTE)
    slack.refresh_from_db()
    assert (slack.state, slack.reason, lane(slack).held) == ("degraded", "further_token_ended", "")
    assert row().refresh_at == NOON + timedelta(seconds=43200 * 0.8)


def test_no_event_of_the_life_line_tells_a_token(slack):
    go(
        slack,
        FakeHttp(Response(200, b'{"ok":false,"error":"ur1 xoxe-1-secret a client secret"}')),
        at=NOON + 48 * MINUTE,
    )
    assert "a client secret" not in str(list(CredentialEvent.unscoped.values()))
