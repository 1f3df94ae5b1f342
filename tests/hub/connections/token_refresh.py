"""A Salesforce connection whose access token ends, and what is asked of it; shared by the tests of
the refresh.
"""

from datetime import timedelta

import pytest

from connectors.base import Grant
from connectors.http import Response
from connectors.registry import CONNECTORS
from hub.connections.credentials.refresh import refresh_access_token
from hub.connections.models import Connection, Credential, CredentialEvent, Lane
from hub.connections.tasks import wake_up_due_refreshes
from hub.connections.token_lifetimes import build_fresh_columns
from hub.queue import WakeUp
from tests.factories import NOON

SESSION_ENDED = Response(
    401, b'[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]'
)
RENEWED = Response(
    200,
    b'{"access_token":"00Dnew!token","instance_url":"https://acme2.my.salesforce.com",'
    b'"id":"https://login.salesforce.com/id/00D000000000001AAA/005000000000001AAA"}',
)
ENDED = Response(
    400, b'{"error":"invalid_grant","error_description":"expired access/refresh token"}'
)
DUE = NOON + timedelta(minutes=96)  # 80 % of the two hours that a session of Salesforce has


@pytest.fixture
def connection(make):
    make.app("salesforce", {"client_id": "id", "client_secret": "a client secret"})
    return make.connection(connector="salesforce", account="00D000000000001AAA")


def reject_token(connection, at=NOON):
    """The access token was, by a 401."""
    version = Credential.unscoped.get(connection=connection).version
    return Credential.unscoped.get(connection=connection).await_refresh(used=version, now=at)


def reject_and_refresh(connection, http, at=NOON, **options):
    """What the task does after a 401."""
    reject_token(connection, at)
    return run_refresh(connection, http, at, **options)


def fail_on_sleep(seconds):
    raise AssertionError("nothing failed that is tried again")


def run_refresh(connection, http, at=NOON, *, sleep=fail_on_sleep):
    connection = Connection.unscoped.select_related("credential").get(pk=connection.pk)
    return refresh_access_token(connection, call=http.call, now=at, random=lambda: 0.5, sleep=sleep)


def lane(connection):
    return Lane.unscoped.get(connection=connection)


@pytest.fixture
def scheduled(connection):
    """As if it was just authorized."""
    columns = build_fresh_columns(
        CONNECTORS["salesforce"], Grant(dict(credential(connection))), now=NOON, random=lambda: 0.5
    )
    Credential.unscoped.update(**columns)
    return connection


def credential(connection):
    return Credential.unscoped.get(connection=connection).open(connection)


def stored_row():
    return Credential.unscoped.get()


def list_refresh_wake_ups(now):
    WakeUp.objects.all().delete()
    wake_up_due_refreshes(now=now)
    return {bell.name for bell in WakeUp.objects.all()}


def list_event_kinds(kind=None):
    events = CredentialEvent.unscoped.order_by("id")
    return [event.kind for event in (events.filter(kind=kind) if kind else events)]
