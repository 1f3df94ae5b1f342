"""What a system is asked before a gap is read: whose credential it is, and what the feed needs."""

from collections.abc import Mapping
from typing import Any

from connectors.outcomes import Outcome
from connectors.schema import Account
from connectors.webhook_sources import Feed
from hub.connections.credentials.connector_context import find_connector_app, open_credential
from hub.connections.models import Connection, Credential
from hub.incoming.processing.attribution import is_same_account
from hub.scheduled.reading.requests import raise_refusal
from hub.scheduled.runs.context import RunBlocked, RunContext


def describe_credential(connection: Connection) -> str:
    """Return a text that changes with the account or the credential of a connection."""
    return f"{connection.account}:{Credential.read_version(connection)}"


def lacks_permission(connection: Connection, feed: Feed) -> bool:
    """Return whether the account has not granted what a feed needs."""
    if connection.permissions is None:
        return False  # it is not known
    granted = set(connection.permissions)
    return not all(connection.connector.has_permission(key, granted) for key in feed.permissions)


async def is_own_account(context: RunContext, connection: Connection) -> bool:
    """Return whether the system says that the credential is the account's. Raises RunBlocked."""
    connector = connection.connector
    app = await context.in_database(lambda: find_connector_app(connection.connector_key))
    credential = await context.in_database(lambda: open_credential(connection, app))
    answer: Account | Outcome = await context.call(
        connection,
        lambda stored: connector.probe_request(open_credential(stored, app), at=context.now()),
        lambda response: connector.parse_probe(response, credential),
    )
    if isinstance(answer, Outcome):
        raise RunBlocked(answer.reason, answer.detail)
    return is_same_account(answer.id, connection)


async def load_parameters(
    context: RunContext, connection: Connection, feed: Feed
) -> Mapping[str, Any]:
    """Return what a call says of a feed's query. Raises RunBlocked and RunFailed."""
    source = connection.connector.webhook_source
    assert source is not None
    app = await context.in_database(lambda: find_connector_app(connection.connector_key))
    answer: Mapping[str, str] | Outcome = await context.call(
        connection,
        lambda stored: source.preparation_request(feed, open_credential(stored, app)),
        lambda response: source.parse_preparation(feed, response),
    )
    return raise_refusal(answer) if isinstance(answer, Outcome) else answer
