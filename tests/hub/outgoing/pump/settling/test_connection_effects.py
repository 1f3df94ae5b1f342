"""An outcome stops a connection only while the credential that it was sent with is stored."""

from uuid import uuid4

import pytest

from connectors.http import Request, Response
from connectors.outcomes import disable, reconnect
from hub.connections.credentials.signing_secrets import rewrite_credential
from hub.connections.models import Connection, Lane
from hub.outgoing.pump.settling.settle import apply_connection_outcomes
from hub.outgoing.pump.types import LaneBatch, LaneCredential, OutboundRequest, SendResult
from tests.factories import NOON

pytestmark = pytest.mark.django_db

outcomes = pytest.mark.parametrize(
    ("outcome", "state"),
    [(reconnect("token_revoked"), "needs_reconnect"), (disable("status_410"), "disabled")],
)


@pytest.fixture
def slack(make):
    return make.connection(connector="slack", account="T1")


def settle(connection, outcome):
    """Apply the outcome of a request that was sent with version 1 of the credential."""
    batch = LaneBatch(Lane.unscoped.get(), connection, LaneCredential(None, (), 1))
    request = OutboundRequest(
        uuid4(), connection.connector.actions[0], [], Request("POST", "https://x.test/"), ()
    )
    result = SendResult(batch, request, [outcome], NOON, 1, Response(401))
    apply_connection_outcomes([result], now=NOON)
    return Connection.unscoped.get().state


@outcomes
def test_the_outcome_of_the_stored_credential_stops_the_connection(slack, outcome, state):
    assert settle(slack, outcome) == state


@outcomes
def test_the_outcome_of_a_replaced_credential_leaves_the_connection(slack, outcome, state):
    rewrite_credential(slack, lambda document: {"access_token": "xoxb-new"}, now=NOON)
    assert settle(slack, outcome) == "healthy"
