"""A disconnect can be undone for 24 hours; meanwhile the credential is of no use to anyone."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command

from connectors.http import Response
from hub.audit import ActorContext, AuditRow
from hub.connections.actions.connection_actions import InvalidConnectionState
from hub.connections.actions.disconnection import disconnect_account, revoke_disconnected_account
from hub.connections.connecting.connect import TenantSuspended
from hub.connections.models import Connection, Credential, Disconnection, Lane, Revocation
from hub.incoming.models import InboundEndpoint
from hub.incoming.registration.scheduling.checks import create_missing_endpoints
from hub.outgoing.release import release_held_deliveries
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.connections.actions.undo_helpers import (
    disconnect,
    read_access_token,
    reload_connection,
    undo,
)
from tests.hub.connections.token_refresh import (
    ENDED,
    RENEWED,
    SESSION_ENDED,
    connection,
    reject_and_refresh,
)

pytestmark = pytest.mark.django_db
__all__ = ["connection"]  # the fixture

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
HAND = ActorContext.system()
TOKEN = "xoxb-test-token"
GONE = Response(200, b'{"ok":false,"error":"token_revoked"}')
DOWN = Response(503)


def test_meanwhile_the_credential_is_empty_and_nothing_is_revoked(slack):
    row = disconnect(slack)
    assert row.is_disconnected and Lane.unscoped.get().hold_reason == "disconnected"
    assert Credential.unscoped.get().open(row) == {} and not Revocation.unscoped.exists()
    disconnection = Disconnection.unscoped.get()
    assert disconnection.revoke_at == NOON + DAY and TOKEN not in str(disconnection.sealed)
    assert disconnection.open()["secret"]["access_token"] == TOKEN
    assert AuditRow.objects.get().after["revoke_at"].startswith("2026-11-26 12:00")


def test_a_credential_that_was_kept_is_no_credential_of_its_connection(slack):
    disconnect(slack)
    credential = Credential.unscoped.get()
    credential.sealed = Disconnection.unscoped.get().sealed
    with pytest.raises(Exception, match="sealed for another row"):
        credential.open(slack)


def test_without_the_choice_it_is_revoked_at_once(slack):
    disconnect_account(slack, HAND, now=NOON)
    assert Revocation.unscoped.count() == 1 and not Disconnection.unscoped.exists()
    with pytest.raises(InvalidConnectionState):
        undo(slack)


def test_what_does_not_open_cannot_be_undone(slack):
    Credential.unscoped.update(sealed=Credential.unscoped.get().sealed)
    Connection.unscoped.filter(pk=slack.pk).update(public_id="0" * 32)
    disconnect(reload_connection(slack))
    assert not Disconnection.unscoped.exists()


# --- undo ---


def test_an_undo_restores_credential_and_state_and_releases_what_was_held(make, slack):
    make.route(slack, body={"channel": "'C1'", "text": "'x'"})
    disconnect(slack)
    delivery = make.event(slack.tenant).deliveries.get()
    result, http = undo(slack)
    row = reload_connection(slack)
    assert result.passed and http.requests[0].bearer == TOKEN
    assert (row.state, read_access_token(row), row.lane.hold_reason) == ("healthy", TOKEN, "")
    assert not Disconnection.unscoped.exists() and not Revocation.unscoped.exists()
    release_held_deliveries(now=NOON + HOUR)
    delivery.refresh_from_db()
    assert delivery.state == "waiting" and row.lane.due_at
    assert AuditRow.objects.latest("number").verb == "connection.undo_disconnect"
    kinds = list(row.credential_events.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["withheld", "restored"]


def test_it_works_once(slack):
    disconnect(slack)
    undo(slack)
    with pytest.raises(InvalidConnectionState):
        undo(slack)


def test_a_disconnect_after_an_undo_can_be_undone_again(slack):
    disconnect(slack)
    undo(slack)
    disconnect(reload_connection(slack), now=NOON + 2 * HOUR)
    assert undo(slack, at=NOON + 25 * HOUR)[0].passed and read_access_token(slack) == TOKEN


@pytest.mark.parametrize("answer", [GONE, DOWN])
def test_a_credential_that_does_not_pass_stays_where_it_is(slack, answer):
    disconnect(slack)
    result, _http = undo(slack, answer)
    assert not result.passed and reload_connection(slack).is_disconnected
    assert Credential.unscoped.get().open(slack) == {}
    assert undo(slack, at=NOON + HOUR + MINUTE)[0].passed  # the next one is not in its way


def test_another_persons_account_is_not_restored(slack):
    disconnect(slack)
    other = Response(200, b'{"ok":true,"team_id":"T2","team":"Other","user_id":"U1"}')
    result, _http = undo(slack, other)
    assert (result.passed, result.reason) == (False, "other_account")
    assert reload_connection(slack).is_disconnected


def test_an_expired_access_token_is_refreshed_first_and_kept_at_once(connection):
    disconnect(connection)
    organization = Response(200, b'{"records":[{"Id":"00D000000000001AAA","Name":"Acme"}]}')
    result, _http = undo(connection, [SESSION_ENDED, RENEWED, organization], NOON + 20 * HOUR)
    assert result.passed
    row = reload_connection(connection)
    assert (
        read_access_token(row) == "00Dnew!token"
        and row.credential.refresh_due_at > NOON + 20 * HOUR
    )
    assert row.settings["instance_url"] == "https://acme2.my.salesforce.com"


def test_a_grant_that_has_ended_is_not_restored(connection):
    disconnect(connection)
    result, _http = undo(connection, [SESSION_ENDED, ENDED])
    assert not result.passed and reload_connection(connection).is_disconnected


def test_tokens_that_were_refreshed_before_a_failed_test_are_kept(connection):
    disconnect(connection)
    undo(connection, [SESSION_ENDED, RENEWED, DOWN])
    kept = Disconnection.unscoped.get().open()
    assert kept["secret"]["access_token"] == "00Dnew!token"
    assert kept["settings"]["instance_url"] == "https://acme2.my.salesforce.com"


def test_a_disconnect_that_ends_during_the_refresh_leaves_no_token_unrevoked(connection):
    row = disconnect(connection)

    answers = iter((SESSION_ENDED, RENEWED))

    def end_meanwhile(request):
        answer = next(answers)
        if answer is RENEWED:
            revoke_disconnected_account(row, HAND, now=NOON + HOUR)
        return answer

    with pytest.raises(InvalidConnectionState):
        undo(connection, end_meanwhile)
    assert not Disconnection.unscoped.exists() and reload_connection(connection).is_disconnected
    secrets = [entry.open()["secret"] for entry in Revocation.unscoped.order_by("pk")]
    assert [secret["access_token"] for secret in secrets][-1] == "00Dnew!token"
    assert len(secrets) == 2


def test_what_a_refresh_brings_during_the_disconnect_is_what_an_undo_restores(connection):
    rotated = json.loads(RENEWED.body) | {"refresh_token": "5Aeprotated"}

    def meanwhile(request):
        disconnect(connection)
        return Response(200, json.dumps(rotated).encode())

    assert not reject_and_refresh(connection, FakeHttp(meanwhile))
    assert not Revocation.unscoped.exists()
    assert Disconnection.unscoped.get().open()["secret"]["refresh_token"] == "5Aeprotated"


def test_the_keys_may_be_rotated_meanwhile(slack, settings):
    disconnect(slack)
    new_key = Fernet.generate_key().decode()
    settings.HUB_FIELD_KEYS = [new_key, *settings.HUB_FIELD_KEYS]
    call_command("rotate_keys", stdout=StringIO())
    settings.HUB_FIELD_KEYS = [new_key]
    assert undo(slack)[0].passed and read_access_token(slack) == TOKEN


def test_a_pause_goes_on_after_an_undo_and_one_that_would_have_ended_does_not(make):
    ends = {"state": "paused", "reason": "paused", "detail": "they move"}
    later = make.connection(connector="slack", account="T1", paused_until=NOON + DAY, **ends)
    over = make.connection(connector="slack", account="T1", paused_until=NOON + MINUTE, **ends)
    for row, state in ((later, "paused"), (over, "healthy")):
        disconnect(row)
        assert undo(row)[0].passed
        assert reload_connection(row).state == state


def test_a_connection_that_a_person_had_disabled_stays_so(slack):
    slack.disable("disabled", "not now", now=NOON)
    disconnect(reload_connection(slack))
    assert undo(slack)[0].passed
    assert (reload_connection(slack).state, reload_connection(slack).detail) == (
        "disabled",
        "not now",
    )


def test_a_suspended_tenant_gets_nothing_back(slack):
    disconnect(slack)
    slack.tenant.suspend("unpaid", now=NOON)
    with pytest.raises(TenantSuspended):
        undo(slack)
    assert reload_connection(slack).is_disconnected and Disconnection.unscoped.exists()


def test_webhooks_are_checked_again(make):
    make.app("pipedrive", {"client_id": "id", "client_secret": "a client secret"})
    row = make.connection(connector="pipedrive", account="7", secret={"access_token": "p"})
    create_missing_endpoints(now=NOON)
    disconnect(reload_connection(row))
    InboundEndpoint.unscoped.update(next_check_at=NOON + 5 * HOUR)
    me = Response(
        200, b'{"success":true,"data":{"id":1,"company_id":7,"company_name":"A","name":"B"}}'
    )
    assert undo(row, me)[0].passed
    assert InboundEndpoint.unscoped.get(connection=row).next_check_at == NOON + HOUR
