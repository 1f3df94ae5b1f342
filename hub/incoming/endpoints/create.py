"""Create inbound endpoints, and build their URLs."""

import secrets
from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db import transaction

from connectors.webhook_sources import WebhookSource
from hub.connections.models import Connection
from hub.crypto.sealed import CannotOpen
from hub.incoming.models import InboundEndpoint
from hub.incoming.models.endpoints import hash_endpoint_key

KEY_BYTES = 24  # 192 bits, in 32 characters
# Of the URL pattern and of the URL that is registered: a worker builds it without loading pages.
ENDPOINT_PATH = "hooks/{connector}/{key}/"

RandomText = Callable[[], str]


def new_endpoint_key() -> str:
    """Return a random key for the URL of an endpoint; it cannot be guessed."""
    return secrets.token_urlsafe(KEY_BYTES)


def build_endpoint_url(connector_key: str, key: str) -> str:
    """Return the public URL with this key."""
    return f"{settings.HUB_PUBLIC_URL}{build_endpoint_path(connector_key, key)}"


def build_endpoint_path(connector_key: str, key: str) -> str:
    """Return the path of the URL with this key."""
    return f"/{ENDPOINT_PATH.format(connector=connector_key, key=key)}"


def endpoint_url(endpoint: InboundEndpoint) -> str:
    """Return the public URL of an endpoint. Raises CannotOpen."""
    return build_endpoint_url(endpoint.connector_key, endpoint.open()["key"])


def endpoint_urls(endpoint: InboundEndpoint) -> list[str]:
    """List the public URL of an endpoint, and the one before its last rotation.

    Raises CannotOpen.
    """
    document = endpoint.open()
    keys = [key for key in (document["key"], document.get("previous_key")) if key]
    return [build_endpoint_url(endpoint.connector_key, key) for key in keys]


def get_or_create_connection_endpoint(
    connection: Connection, *, now: datetime, random: RandomText = new_endpoint_key
) -> InboundEndpoint:
    """Return the endpoint of a connection, made with a new key and secret if there is none.

    Raises LookupError if its connector receives no webhooks at a URL of each connection.
    """
    source = _get_source(connection.connector.webhook_source, connection.connector_key)
    if source.url_per != "connection":
        raise LookupError(connection.connector_key)
    existing = InboundEndpoint.unscoped.filter(connection=connection).first()
    return existing or _create(
        InboundEndpoint(
            connector_key=connection.connector_key,
            connection=connection,
            tenant=connection.tenant,
            created_at=now,
        ),
        source,
        random,
    )


def find_app_webhook_url(connector_key: str) -> str:
    """Return the URL at which a connector app receives webhooks; empty if it has none."""
    endpoint = InboundEndpoint.unscoped.filter(connector_key=connector_key, connection=None).first()
    try:
        return endpoint_url(endpoint) if endpoint else ""
    except CannotOpen:
        return ""


def get_or_create_app_endpoint(
    connector_key: str,
    source: WebhookSource,
    *,
    now: datetime,
    random: RandomText = new_endpoint_key,
) -> InboundEndpoint:
    """Return the endpoint of a connector app, made with a new key if there is none."""
    existing = InboundEndpoint.unscoped.filter(connector_key=connector_key, connection=None).first()
    return existing or _create(
        InboundEndpoint(connector_key=connector_key, created_at=now), source, random
    )


def _get_source(source: WebhookSource | None, connector_key: str) -> WebhookSource:
    if source is None:
        raise LookupError(connector_key)
    return source


@transaction.atomic
def _create(
    endpoint: InboundEndpoint, source: WebhookSource, random: RandomText
) -> InboundEndpoint:
    key = random()
    endpoint.key_digest, endpoint.next_check_at = hash_endpoint_key(key), endpoint.created_at
    made_secrets = (
        [{"secret": source.make_secret(random()), "until": None}]
        if source.secret_from == "made"
        else []
    )
    endpoint.seal({"key": key, "secrets": made_secrets})
    InboundEndpoint.unscoped.bulk_create([endpoint], ignore_conflicts=True)
    return InboundEndpoint.unscoped.get(
        connector_key=endpoint.connector_key, connection=endpoint.connection
    )
