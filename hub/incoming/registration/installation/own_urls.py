"""Recognize our URLs, and read endpoints' documents: URLs, and secrets to remove from texts."""

import re

from hub.crypto.sealed import CannotOpen
from hub.incoming.endpoints.create import build_endpoint_url, endpoint_urls
from hub.incoming.models import InboundEndpoint

KEY_PATTERN = re.compile(r"[A-Za-z0-9_-]+")  # the alphabet of new_endpoint_key()


def remove_query(url: str) -> str:
    """Return a registered URL as its endpoint has it; the query may name what it delivers."""
    return url.partition("?")[0]


def is_own_url(url: str, connector_key: str) -> bool:
    """Return whether an endpoint of this installation has or had this URL.

    What another installation or program registers below our host is not ours.
    """
    address = remove_query(url)
    key = address.rstrip("/").rpartition("/")[2]
    is_key = KEY_PATTERN.fullmatch(key) is not None
    return is_key and address == build_endpoint_url(connector_key, key)


def list_endpoint_secrets(endpoint: InboundEndpoint) -> tuple[str, ...]:
    """List the keys and secrets of an endpoint, which must not occur in stored texts.

    Raises CannotOpen.
    """
    document = endpoint.open()
    secrets = [entry["secret"] for entry in document.get("secrets") or ()]
    passwords = [secret.partition(":")[2] for secret in secrets]
    keys = (document["key"], document.get("previous_key"))
    return tuple(text for text in (*keys, *secrets, *passwords) if text)


def list_other_urls(endpoint: InboundEndpoint) -> tuple[list[str], bool]:
    """List the URLs of our other endpoints for the same account, whose registrations are kept.

    Also return whether all of them could be read: if not, nothing may be removed as an orphan.
    """
    connection, source = endpoint.connection, endpoint.connector.webhook_source
    if connection is None or source is None:
        return [], True
    others = (
        InboundEndpoint.unscoped.filter(
            connector_key=endpoint.connector_key, connection__isnull=False
        )
        .exclude(pk=endpoint.pk)
        .exclude(
            connection__state="disabled",
            connection__reason="disconnected",
            connection__disconnection=None,  # of one that can be undone they stay
        )
        .select_related("connection")
    )
    urls: list[str] = []
    try:
        for other in others:
            if other.connection and source.is_same_account(
                other.connection.account, connection.account
            ):
                urls += endpoint_urls(other)
    except CannotOpen:
        return urls, False
    return urls, True
