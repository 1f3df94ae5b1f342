"""Test a request that staff paste, for a connection whose sender is unknown to the hub."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import QuerySet
from django.views.decorators.debug import sensitive_variables

from connectors.registry import CONNECTORS
from connectors.signatures import Secret
from connectors.webhook_sources import PastedRequestCheck, WebhookSource, check_pasted_request
from hub.connections.models import DISCONNECTED, Connection
from hub.incoming.models import InboundEndpoint
from hub.incoming.receiving.receiver_cache import build_receiver
from tenants.models import User
from tenants.scoping import visible_rows


def select_testable_connections(user: User) -> QuerySet[Connection]:
    """Select the connections whose settings describe how their sender signs requests."""
    keys = [
        key
        for key, connector in CONNECTORS.items()
        if connector.webhook_source and connector.webhook_source.secret_from == "connection_field"
    ]
    connections = visible_rows(Connection, user).filter(connector_key__in=keys)
    connected = connections.exclude(state="disabled", reason=DISCONNECTED)
    return connected.select_related("tenant").order_by("name", "pk")


@sensitive_variables()
def verify_pasted_request(
    connection: Connection, text: str, *, now: datetime
) -> PastedRequestCheck:
    """Verify a pasted request by the settings and secrets of a connection; nothing is stored."""
    source = connection.connector.webhook_source
    assert source is not None
    secrets = _load_secrets(connection, source, now=now)
    return check_pasted_request(source, connection.settings, secrets, text, now.timestamp())


def _load_secrets(
    connection: Connection, source: WebhookSource, *, now: datetime
) -> Sequence[Secret]:
    endpoint = InboundEndpoint.unscoped.select_related("connection").filter(connection=connection)
    found = endpoint.first()
    return build_receiver(found, source, now=now).secrets if found else ()
