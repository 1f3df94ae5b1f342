"""A token is refreshed before it ends, by one side; an outage is waited out."""

from datetime import timedelta

import pytest

from connectors.http import Response
from hub.connections.models import Credential
from hub.connections.tasks import wake_up_due_refreshes
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
    reject_and_refresh,
    reject_token,
    run_refresh,
    scheduled,
    stored_row,
)

pytestmark = pytest.mark.django_db
__all__ = ["connection", "scheduled"]  # the fixtures


# --- early ---


def test_the_sweep_rings_when_it_is_due_and_not_before(scheduled):
    assert list_refresh_wake_ups(DUE - MINUTE) == set()
    assert list_refresh_wake_ups(DUE) == {f"refresh:{scheduled.pk}"}


def test_a_wake_up_without_a_due_refresh_makes_no_call(scheduled):
    http = FakeHttp(RENEWED)
    assert not run_refresh(scheduled, http, at=DUE - MINUTE)
    assert http.requests == []


def test_an_early_refresh_does_not_hold_the_lane_and_is_due_again_at_80_percent(scheduled):
    assert run_refresh(scheduled, FakeHttp(RENEWED), at=DUE)
    assert (stored_row().refresh_due_at, stored_row().version, lane(scheduled).hold_reason) == (
        DUE + timedelta(minutes=96),
        2,
        "",
    )
    assert list_event_kinds() == ["refreshed"]


def test_fifty_sides_see_one_expiry_ten_times_over_and_one_of_them_asks(connection):
    """The others come while the one has its answer and has not stored it; and once more when it
    has. Each expiry is like the one before; test_refresh_concurrent.py has a hundred in any order.
    """
    grants = []

    def answers(request):
        assert not any(run_refresh(connection, FakeHttp([]), at=NOW[0]) for _ in range(49))
        grants.append(f"00Dnew!{len(grants)}")
        return Response(200, RENEWED.body.replace(b"00Dnew!token", grants[-1].encode()))

    NOW = [NOON]
    for _ in range(10):
        NOW[0] += timedelta(hours=2)
        reject_token(connection, at=NOW[0])
        assert run_refresh(connection, FakeHttp(answers), at=NOW[0])
        assert not any(run_refresh(connection, FakeHttp([]), at=NOW[0]) for _ in range(49))
    assert (len(grants), credential(connection)["access_token"], stored_row().version) == (
        10,
        grants[-1],
        11,
    )


def test_what_a_dead_process_left_held_after_its_store_goes_on(connection):
    reject_token(connection)
    Credential.unscoped.update(version=2, rejected_at=None, refresh_due_at=None)
    wake_up_due_refreshes(now=NOON)
    assert (lane(connection).hold_reason, lane(connection).due_at) == ("", NOON)


# --- it does not come through ---


def test_it_waits_longer_each_time_and_never_long(scheduled):
    waits, now = [], DUE
    for _ in range(9):
        run_refresh(scheduled, FakeHttp(Response(503)), at=now)
        waits.append((stored_row().refresh_lease_until - now).total_seconds())
        now = stored_row().refresh_lease_until + timedelta(seconds=1)
    assert waits == [10, 20, 40, 80, 160, 320, 600, 600, 600]
    assert list_event_kinds() == ["refresh_failed"]


def test_an_outage_degrades_only_before_the_token_ends(scheduled):
    Credential.unscoped.update(expires_at=DUE + 10 * MINUTE)
    states, now = [], DUE
    while now < DUE + 12 * MINUTE:
        run_refresh(scheduled, FakeHttp(Response(503)), at=now)
        scheduled.refresh_from_db()
        states.append(scheduled.state)
        now = stored_row().refresh_lease_until + timedelta(seconds=1)
    assert (states[0], states[3], states[-1], scheduled.reason) == (
        "healthy",
        "healthy",
        "degraded",
        "refresh_failing",
    )
    assert run_refresh(scheduled, FakeHttp(RENEWED), at=now)
    scheduled.refresh_from_db()
    assert scheduled.state == "healthy"


def test_a_429_of_the_token_endpoint_is_no_failure_and_a_quota_costs_no_event(scheduled):
    run_refresh(scheduled, FakeHttp(Response(429, headers={"retry-after": "90"}, at=DUE)), at=DUE)
    assert (
        stored_row().refresh_failures,
        stored_row().refresh_lease_until,
        list_event_kinds(),
    ) == (
        0,
        DUE + timedelta(seconds=90),
        [],
    )


def test_an_incomplete_registration_of_ours_is_reported_and_nothing_is_lost(make):
    bare = make.connection(connector="salesforce", account="00D000000000001AAA")
    http = FakeHttp(RENEWED)
    assert not reject_and_refresh(bare, http)
    bare.refresh_from_db()
    assert (
        http.requests,
        bare.state,
        stored_row().refresh_outcome_unknown_since,
        list_event_kinds(),
    ) == (
        [],
        "healthy",
        None,
        ["refresh_failed"],
    )


def test_without_a_refresh_token_a_person_is_asked_at_once(make):
    pasted = make.connection(connector="slack")
    http = FakeHttp([])
    reject_and_refresh(pasted, http)
    pasted.refresh_from_db()
    assert (http.requests, pasted.state, pasted.reason) == (
        [],
        "needs_reconnect",
        "no_refresh_token",
    )


def test_only_an_end_that_is_confirmed_is_one(scheduled):
    http = FakeHttp([ENDED, RENEWED])
    assert run_refresh(scheduled, http, at=DUE)
    scheduled.refresh_from_db()
    assert (scheduled.state, len(http.requests)) == ("healthy", 2)


def test_an_ended_grant_is_ignored_where_another_token_was_stored_meanwhile(scheduled):
    def meanwhile(request):
        Credential.unscoped.update(version=7)
        return ENDED

    http = FakeHttp(meanwhile)
    assert not run_refresh(scheduled, http, at=DUE)
    scheduled.refresh_from_db()
    assert (scheduled.state, len(http.requests), stored_row().version) == ("healthy", 1, 7)


def test_an_ended_grant_is_not_asked_for_again(scheduled):
    run_refresh(scheduled, FakeHttp(ENDED), at=DUE)
    assert (
        stored_row().refresh_due_at,
        list_refresh_wake_ups(DUE + 60 * MINUTE),
        list_event_kinds(),
    ) == (None, set(), ["ended"])
    assert scheduled.notices.get().kind == "needs_reconnect"
