"""Transactions that change a connection and its lane lock the lane first: no deadlock."""

import pytest
from django.db import connection as database
from django.db import transaction

from connectors.http import Response
from connectors.schema import Account
from hub.audit import Actor, ActorContext
from hub.connections.actions import connection_actions
from hub.connections.connecting.oauth.confirm import confirm_authorization
from hub.connections.connecting.reconnect import reconnect_account
from hub.connections.credentials.account_probe import ProbeResult
from hub.connections.models import Connection, Credential, Lane
from hub.crypto.sealed import seal
from hub.operations.models import Operation
from hub.outgoing.operations.backfill import backfill_batch
from hub.outgoing.subscriptions.endpoint_routes import send_test_event
from tenants.access.tenant_users import TenantUser
from tenants.services.tenant_actions import lock_tenant
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.row_locks import run_beside

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(database.vendor != "postgresql", reason="SQLite has one writer at a time"),
]
HAND = ActorContext(Actor("user", "1", "olga@example.com"), request_id="r-1")
SLACK_ACCOUNT = Response(
    200, b'{"ok":true,"team_id":"T1","team":"Acme","user_id":"U1","url":"https://acme.slack.com/"}'
)


def run_beside_pump(connection, act):
    """`act` in another transaction, while one holds the lane as a pump that settles does, and then
    turns the state.
    """
    run_beside_another_lock(
        lambda: Lane.lock(connection.pk),
        lambda: Connection.unscoped.filter(pk=connection.pk).update(detail="503: try later"),
        act,
    )


def run_beside_another_lock(lock_first, lock_second, act):
    """`act` in another transaction, while one holds the first lock, and then takes the second."""
    run_beside(lock_first, transaction.atomic(act), lock_second)


@pytest.fixture
def connection(make):
    row = make.connection()
    make.route(row)
    return row


def test_a_person_pauses_a_connection_whose_pump_settles(connection):
    run_beside_pump(
        connection,
        lambda: connection_actions.pause_connection(
            connection, "stocktaking", HAND, until=None, now=NOON
        ),
    )
    connection.refresh_from_db()
    assert (connection.state, connection.detail, connection.lane.hold_reason) == (
        "paused",
        "stocktaking",
        "paused",
    )


def test_a_person_resumes_a_connection_whose_pump_settles(connection):
    connection.pause("stocktaking", until=None, now=NOON)
    run_beside_pump(
        connection, lambda: connection_actions.resume_connection(connection, HAND, now=NOON)
    )
    connection.refresh_from_db()
    assert connection.state == "healthy"


def test_a_test_event_goes_to_a_connection_whose_pump_settles(connection):
    run_beside_pump(connection, lambda: send_test_event(connection, HAND, now=NOON))
    assert connection.deliveries.count() == 1


def test_what_is_missing_is_sent_to_a_connection_whose_pump_settles(make, connection):
    event = make.event(connection.tenant, now=NOON)
    connection.deliveries.all().delete()
    filter = {"connection": str(connection.public_id), "since": (NOON - MINUTE).isoformat()}
    operation = Operation(
        tenant=connection.tenant, filter=filter, cursor=event.pk - 1, last=event.pk
    )
    run_beside_pump(connection, lambda: backfill_batch(operation, 10, now=NOON))
    assert connection.deliveries.count() == 1


def test_a_person_renames_a_connection_and_limits_its_calls_while_its_pump_settles(connection):
    def change():
        row = Connection.unscoped.select_related("lane").get()
        connection_actions.rename_connection(row, "Ours", HAND, now=NOON)
        connection_actions.limit_calls_in_flight(row, 2, HAND, now=NOON)

    run_beside_pump(connection, change)
    connection.refresh_from_db()
    assert (connection.name, Lane.unscoped.get().in_flight) == ("Ours", 2)


def lock_credential():
    list(Credential.unscoped.select_for_update())


def test_a_reconnect_locks_the_tenant_before_the_credential(connection):
    probe_result = ProbeResult(Account(connection.account))
    run_beside_another_lock(
        lambda: lock_tenant(connection.tenant),
        lock_credential,
        lambda: reconnect_account(connection, {}, {}, probe_result, random=lambda: 0.5, now=NOON),
    )
    assert Credential.unscoped.get().version == 2


def test_a_confirmation_locks_the_tenant_before_the_credential(make):
    make.app("slack", {"client_id": "id", "client_secret": "a client secret"})
    connection = make.connection(connector="slack", account="T1")
    authorization = make.authorization(
        connection.tenant, now=NOON, connection=connection, account="T1", state="granted"
    )
    grant = {"secret": {"access_token": "xoxb-new"}, "settings": {}, "expires_in": None}
    authorization.sealed = seal(grant | {"at": NOON.isoformat()}, authorization.binding)
    authorization.save()
    owner, http = TenantUser(connection.tenant, "owner"), FakeHttp(SLACK_ACCOUNT)
    run_beside_another_lock(
        lambda: lock_tenant(connection.tenant),
        lock_credential,
        lambda: confirm_authorization(
            authorization,
            owner,
            ActorContext(owner.actor),
            call=http.call,
            random=lambda: 0.5,
            now=NOON,
        ),
    )
    assert Credential.unscoped.get().open(connection)["access_token"] == "xoxb-new"
