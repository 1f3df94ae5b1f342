"""The time in which a disconnect can be undone ends: revoked, erased, or connected again."""

from datetime import timedelta

import pytest

from connectors.http import Response
from connectors.schema import Account
from hub.audit import ActorContext, AuditRow
from hub.connections.actions.connection_actions import InvalidConnectionState
from hub.connections.actions.disconnection import (
    find_disconnection,
    revoke_disconnected_account,
    revoke_due_accounts,
)
from hub.connections.connecting.reconnect import reconnect_account
from hub.connections.credentials.account_probe import ProbeResult
from hub.connections.credentials.revoke import attempt_revocation
from hub.connections.models import Credential, Disconnection, Revocation
from hub.outgoing.operations.erase import erase_connection_data
from hub.sweep import STEPS
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.connections.actions.undo_helpers import (
    HERE,
    disconnect,
    read_access_token,
    reload_connection,
    undo,
)
from tests.hub.connections.token_refresh import connection

pytestmark = pytest.mark.django_db
__all__ = ["connection"]  # the fixture

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
HAND = ActorContext.system()
TOKEN = "xoxb-test-token"
DOWN = Response(503)
REVOKED = Response(200, b'{"ok":true,"revoked":true}')


def test_after_24_hours_the_sweep_revokes_and_deletes_it_once(slack):
    disconnect(slack)
    revoke_due_accounts(now=NOON + DAY - MINUTE)
    assert Disconnection.unscoped.exists()
    for _ in range(2):
        revoke_due_accounts(now=NOON + DAY)
    assert not Disconnection.unscoped.exists() and revoke_due_accounts in STEPS
    revocation = Revocation.unscoped.get()
    assert revocation.open()["secret"]["access_token"] == TOKEN
    http = FakeHttp(REVOKED)
    assert attempt_revocation(revocation, call=http.call, clock=lambda: NOON + DAY)
    assert http.requests[0].bearer == TOKEN and not Revocation.unscoped.exists()
    with pytest.raises(InvalidConnectionState):
        undo(slack, at=NOON + DAY)


def test_after_its_time_an_undo_comes_too_late_even_before_the_sweep(slack):
    disconnect(slack)
    with pytest.raises(InvalidConnectionState):
        undo(slack, at=NOON + DAY)
    assert find_disconnection(reload_connection(slack), now=NOON + DAY) is None


def test_revoked_now_it_cannot_be_undone(slack):
    disconnect(slack)
    revoke_disconnected_account(reload_connection(slack), HAND, now=NOON + MINUTE)
    assert Revocation.unscoped.count() == 1 and not Disconnection.unscoped.exists()
    for again in (revoke_disconnected_account, lambda *a, **o: undo(slack)):
        with pytest.raises(InvalidConnectionState):
            again(reload_connection(slack), HAND, now=NOON + MINUTE)
    assert Revocation.unscoped.count() == 1
    assert AuditRow.objects.latest("number").verb == "connection.end_undo"


def test_what_is_revoked_during_the_test_of_an_undo_stays_revoked(slack):
    disconnect(slack)

    def meanwhile(request):
        revoke_disconnected_account(reload_connection(slack), HAND, now=NOON + MINUTE)
        return HERE

    with pytest.raises(InvalidConnectionState):
        undo(slack, meanwhile)
    assert reload_connection(slack).is_disconnected and Revocation.unscoped.count() == 1
    assert Credential.unscoped.get().open(slack) == {}


def test_of_two_undos_at_a_time_one_goes_on(slack):
    disconnect(slack)

    def meanwhile(request):
        with pytest.raises(InvalidConnectionState):
            undo(slack)
        return HERE

    assert undo(slack, meanwhile)[0].passed


def test_an_undo_whose_process_died_is_no_obstacle(slack):
    disconnect(slack)

    def die(request):
        raise SystemExit

    with pytest.raises(SystemExit):
        undo(slack, die)
    with pytest.raises(InvalidConnectionState):
        undo(slack)
    assert undo(slack, at=NOON + HOUR + 2 * MINUTE)[0].passed


# --- what else happens meanwhile ---


def connect_again(row, account, token, replaces=False):
    options = {"replaces": replaces, "random": lambda: 0.5, "now": NOON + HOUR}
    reconnect_account(
        reload_connection(row),
        {},
        {"access_token": token},
        ProbeResult(Account(account)),
        **options,
    )


def test_the_same_account_connected_again_is_not_revoked_where_it_has_one_grant(slack):
    disconnect(slack)
    connect_again(slack, "T1", "xoxb-test-token")
    assert reload_connection(slack).state == "healthy" and not Disconnection.unscoped.exists()
    for revocation in Revocation.unscoped.all():
        assert attempt_revocation(revocation, call=FakeHttp(DOWN).call, clock=lambda: NOON + HOUR)
    assert AuditRow.objects.get(verb="connection.revoke").reason == "needed_again"


def test_the_same_account_connected_again_ends_the_old_grant_where_grants_end_apart(connection):
    disconnect(connection)
    connect_again(connection, "00D000000000001AAA", "00Dnew")
    old = Revocation.unscoped.get()
    assert old.open()["secret"]["access_token"] == "00Dtest!access"
    assert read_access_token(connection) == "00Dnew" and not Disconnection.unscoped.exists()


def test_another_account_in_its_place_ends_the_old_grant(connection):
    disconnect(connection)
    connect_again(connection, "00D000000000002AAA", "00Dother", replaces=True)
    old = Revocation.unscoped.get()
    assert (old.account, old.open()["secret"]["access_token"]) == (
        "00D000000000001AAA",
        "00Dtest!access",
    )


def test_an_account_that_another_tenant_has_connected_meanwhile_is_not_revoked(make, slack):
    disconnect(slack)
    make.connection(connector="slack", account="T1")
    revoke_due_accounts(now=NOON + DAY)
    assert not Revocation.unscoped.exists() and not Disconnection.unscoped.exists()


def test_an_erasure_ends_it_at_once(slack):
    disconnect(slack)
    erase_connection_data(reload_connection(slack), HAND, cancel=True, now=NOON + MINUTE)
    assert not Disconnection.unscoped.exists() and Revocation.unscoped.count() == 1


def test_what_was_filled_in_is_only_forgotten(make):
    row = make.connection(connector="splunk")
    disconnect(row)
    revoke_due_accounts(now=NOON + DAY)
    assert not Disconnection.unscoped.exists() and not Revocation.unscoped.exists()
