"""Nothing calls the system of a connection that is held; only what must work then does."""

import pytest

from connectors.http import Request, Response
from connectors.registry import CONNECTORS
from hub.connections.actions.maintenance import begin_maintenance
from hub.connections.credentials.account_probe import probe_stored_credential
from hub.connections.credentials.connector_context import open_credential
from hub.connections.credentials.provider_call import (
    HELD,
    NO_PATIENCE,
    ExchangeRecorder,
    TimeSlice,
    call_provider,
)
from hub.connections.credentials.refresh import refresh_access_token
from hub.connections.models import BREAKER, Connection, Lane, MaintenanceWindow
from hub.identities.directory_reads import read_next_page, refresh_local_users
from hub.incoming.registration.calls import RegistrationCalls
from hub.incoming.registration.progress import RegistrationProgress
from hub.scheduled.reconciliation.options import parse_reconcile_options
from hub.scheduled.repairs.record_reading import NotReadable, RecordReader
from hub.schemas.choice_lists import refresh_choice_list
from hub.schemas.object_schemas import refresh_object_schema
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.identities.people import SYSTEM

pytestmark = [pytest.mark.django_db, pytest.mark.corrections(item="2.7")]
NOTHING = Response(200, b"{}")


def begin_window(connection):
    MaintenanceWindow.unscoped.create(
        connector_key="slack", starts_at=NOON, ends_at=NOON + MINUTE, reason="an upgrade"
    )
    begin_maintenance(now=NOON)


def open_breaker(connection):
    lanes = Lane.unscoped.filter(connection=connection)
    lanes.update(hold_reason=BREAKER, open_until=NOON + MINUTE)


HOLDS = {
    "paused": lambda connection: connection.pause("a person", until=None, now=NOON),
    "switched off": lambda connection: Lane.unscoped.update(switched_off_by="tenant"),
    "suspended": lambda connection: connection.tenant.suspend("unpaid", now=NOON),
    "maintenance": begin_window,
    "breaker": open_breaker,
}


@pytest.mark.parametrize("hold", HOLDS.values(), ids=HOLDS)
def test_no_hold_lets_a_call_through(make, hold):
    connection, http = make.connection(connector="slack"), FakeHttp(NOTHING)

    def call():
        request = Request("GET", "https://slack.com/api")
        return call_provider(
            connection, lambda: request, Response.text, call=http.call, now=NOON, secrets=()
        )

    assert call() == "{}"
    hold(connection)
    outcome = call()
    assert (outcome.kind, outcome.reason, len(http.requests)) == ("later", HELD, 1)


def read_schema(connection, call):
    refresh_object_schema(connection, "Contact", call=call, now=NOON, patience=NO_PATIENCE)


def read_choice_list(connection, call):
    (kind, *_) = connection.connector.list_choices_by_kind
    refresh_choice_list(connection, kind, call=call, now=NOON, patience=NO_PATIENCE)


def read_records(connection, call):
    options = parse_reconcile_options(
        {
            "local": {"collection": "customers"},
            "remote": {
                "collection": "records",
                "query": {"object": "Contact", "fields": "Id,Email"},
            },
            "match": {"local": "email", "remote": "Email"},
            "fields": [],
        }
    )
    reader = RecordReader(connection, connection.tenant, options, "remote", call)
    with pytest.raises(NotReadable):
        reader.read(["006000000000001AAA"], now=NOON)


def list_registrations(connection, call):
    registration_calls(connection, connection, call).list_all()


def registration_calls(connection, owner, call):
    return RegistrationCalls(
        owner,
        connection.connector.subscriptions,
        open_credential(connection, None),
        ExchangeRecorder(call),
        TimeSlice.begin(lambda: NOON),
        NO_PATIENCE,
        lambda: None,
        RegistrationProgress("a check"),
    )


CALLERS = {
    "salesforce": (read_schema, read_records, list_registrations),
    "slack": (read_choice_list,),
}


@pytest.mark.parametrize(
    ("connector", "caller"),
    [(connector, caller) for connector, callers in CALLERS.items() for caller in callers],
)
def test_a_caller_sends_nothing_while_the_connection_is_switched_off(make, connector, caller):
    connection, http = make.connection(connector=connector), FakeHttp(Response(500))
    caller(connection, http.call)
    sent = len(http.requests)
    Lane.unscoped.update(switched_off_by="tenant")
    caller(connection, http.call)
    assert sent and len(http.requests) == sent


def test_our_own_users_are_not_read_while_our_application_is_switched_off(make):
    make.app("app", {"signing_secret": "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"})
    make.connection(None, "app")
    Lane.unscoped.update(switched_off_by="connection")
    http = FakeHttp(Response(500))
    read = refresh_local_users(make.tenant(), SYSTEM, now=NOON)
    read_next_page(read.pk, call=http.call, now=NOON)
    read.refresh_from_db()
    assert (http.requests, read.state) == ([], "reading")


def test_refresh_and_probe_go_on_while_the_connection_is_held(make):
    make.app("salesforce", {"client_id": "id", "client_secret": "a client secret"})
    connection, http = make.connection(connector="salesforce"), FakeHttp(Response(500))
    connection.credential.await_refresh(used=connection.credential.version, now=NOON)
    Lane.unscoped.update(switched_off_by="tenant")
    probe_stored_credential(Connection.unscoped.get(), call=http.call, now=NOON)
    refresh_access_token(
        connection, call=http.call, now=NOON, random=lambda: 0.5, sleep=lambda seconds: None
    )
    assert len(http.requests) == 2


def test_a_removal_of_webhooks_goes_on_while_the_connection_is_held(make):
    connection, http = make.connection(connector="salesforce"), FakeHttp(Response(500))
    Lane.unscoped.update(switched_off_by="tenant")
    former = Connection(tenant=connection.tenant, connector_key="salesforce", account="00D1")
    registration_calls(connection, former, http.call).list_all()
    assert len(http.requests) == 1 and CONNECTORS["salesforce"].subscriptions
