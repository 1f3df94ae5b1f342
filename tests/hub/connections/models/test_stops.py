"""Only a person ends a pause or a disable; an ended authorization counts at the resume."""

from datetime import timedelta

import pytest

from connectors.schema import Account
from hub.audit import Actor, ActorContext
from hub.connections.actions import connection_actions
from hub.connections.connecting.reconnect import reconnect_account
from hub.connections.credentials.account_probe import ProbeResult
from hub.connections.models import Connection, Lane
from hub.db.state_machine import InvalidTransition
from hub.sweep import run_sweep
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.connections.token_refresh import DUE, ENDED, connection, run_refresh, scheduled

pytestmark = pytest.mark.django_db
both_stops = pytest.mark.parametrize("stop", ["paused", "disabled"])
__all__ = ["connection", "scheduled"]  # the fixtures

HOUR = timedelta(hours=1)
SOMEBODY = ActorContext(Actor("user", "1", "Robin"), is_unrestricted=False)


def stop_connection(row, stop):
    if stop == "paused":
        row.pause("stocktaking", until=None, now=NOON)
    else:
        row.disable("disabled", "misuse", now=NOON)


def reconnect(row):
    row.refresh_from_db()
    reconnect_account(
        row,
        {},
        {"access_token": "00Dnew"},
        ProbeResult(Account(row.account)),
        random=lambda: 0.5,
        now=DUE,
    )


def read_state():
    row = Connection.unscoped.get()
    return row.state, Lane.unscoped.get().hold_reason


def resume(now=DUE + HOUR):
    connection_actions.resume_connection(Connection.unscoped.get(), SOMEBODY, now=now)
    row = Connection.unscoped.get()
    return row.state, row.reason


@both_stops
def test_a_refresh_that_failed_and_a_reconnect_leave_the_stop(scheduled, stop):
    stop_connection(scheduled, stop)
    run_refresh(scheduled, FakeHttp(ENDED), at=DUE)
    reconnect(scheduled)
    assert read_state() == (stop, stop)
    assert resume() == ("healthy", "")


@both_stops
def test_an_end_that_a_refresh_found_counts_when_a_person_resumes(scheduled, stop):
    stop_connection(scheduled, stop)
    run_refresh(scheduled, FakeHttp(ENDED), at=DUE)
    assert read_state() == (stop, stop) and not scheduled.notices.exists()
    assert resume() == ("needs_reconnect", "invalid_grant")
    assert [notice.kind for notice in scheduled.notices.all()] == ["needs_reconnect"]


@both_stops
def test_an_end_that_was_known_before_the_stop_is_not_forgotten_by_it(scheduled, stop):
    run_refresh(scheduled, FakeHttp(ENDED), at=DUE)
    scheduled.refresh_from_db()
    stop_connection(scheduled, stop)
    assert resume() == ("needs_reconnect", "invalid_grant")


@both_stops
def test_a_stop_that_came_while_the_token_endpoint_was_asked_stays_too(scheduled, stop):
    def meanwhile_stopped(request):
        stop_connection(Connection.unscoped.get(), stop) if read_state()[0] == "healthy" else None
        return ENDED

    run_refresh(scheduled, FakeHttp(meanwhile_stopped), at=DUE)
    assert read_state() == (stop, stop)
    assert resume() == ("needs_reconnect", "invalid_grant")


@both_stops
def test_what_a_call_on_its_way_brings_back_does_not_end_the_stop(scheduled, stop):
    before = Connection.unscoped.get()
    stop_connection(scheduled, stop)
    before.mark_needs_reconnect("inactive_organization", now=NOON)
    assert read_state() == (stop, stop)
    assert resume() == ("needs_reconnect", "inactive_organization")


def test_a_pause_with_an_end_ends_in_what_was_found(scheduled):
    scheduled.pause("stocktaking", until=NOON + 2 * HOUR, now=NOON)
    run_refresh(scheduled, FakeHttp(ENDED), at=DUE)
    run_sweep(now=NOON + 2 * HOUR + MINUTE)
    assert read_state() == ("needs_reconnect", "needs_reconnect")


def test_a_switch_off_by_staff_keeps_its_reason_when_the_endpoint_wants_no_more(scheduled):
    stop_connection(scheduled, "disabled")
    with pytest.raises(InvalidTransition):
        scheduled.disable("gone", now=NOON + timedelta(minutes=1))
    assert Connection.unscoped.get().detail == "misuse"
