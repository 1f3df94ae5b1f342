"""Read endpoints' documents: our URLs, and secrets that must be removed from texts."""

from hub.crypto.sealed import CannotOpen
from hub.incoming.endpoints.create import endpoint_urls
from hub.incoming.models import InboundEndpoint


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
