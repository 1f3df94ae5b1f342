"""Cache the data by which a web process verifies the webhooks of an endpoint, for a second."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from threading import Lock
from typing import Any

import structlog
from django.db.models import Q
from django.views.decorators.debug import sensitive_variables

from connectors.outcomes import READ_ERRORS
from connectors.registry import CONNECTORS
from connectors.signatures import Scheme, Secret, SharedSecretScheme, valid_signing_secrets
from connectors.webhook_sources import WebhookSource
from hub.connections.models import (
    Connection,
    ConnectorApp,
    Credential,
    get_pending_disconnection,
)
from hub.crypto.sealed import CannotOpen
from hub.incoming.models import InboundEndpoint

log = structlog.get_logger(__name__)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
ReceiverKey = tuple[str, str]  # connector key and digest of the key in the URL

MAX_AGE = timedelta(seconds=1)
CURRENT = timedelta.resolution  # the age of a receiver that was loaded for this request or later
LOCK_COUNT = 64  # each is shared by the keys of a hash
MAX_RECEIVERS = 10_000  # cached at a time, unknown keys included
UNUSABLE_SCHEME = SharedSecretScheme(location="path")  # without secrets it accepts nothing


@dataclass(frozen=True, slots=True)
class Receiver:
    """An endpoint with what verifies its requests. `secrets`: the valid ones, newest first."""

    endpoint: InboundEndpoint
    source: WebhookSource
    scheme: Scheme
    secrets: Sequence[Secret]
    settings: Mapping[str, Any]
    networks: Sequence[Network]
    is_gone: bool  # its connection is disconnected, and that cannot be undone any more
    is_suspended: bool  # its tenant is

    def allows_address(self, address: str) -> bool:
        """Return whether webhooks of this endpoint may come from the address."""
        if not self.endpoint.allowed_sources:
            return True
        try:
            client: Address = ip_address(address)
        except ValueError:
            return False
        if isinstance(client, IPv6Address) and client.ipv4_mapped:
            client = client.ipv4_mapped
        return any(client in network for network in self.networks)


class ReceiverCache:
    """Receivers by connector and key digest, at most MAX_AGE old; None for an unknown key.

    One thread loads a receiver that is too old, and the others that need it wait for that: in a
    spike each of them would otherwise load it.
    """

    def __init__(self) -> None:
        self.receivers: dict[ReceiverKey, tuple[datetime, Receiver | None]] = {}
        self.locks = [Lock() for _ in range(LOCK_COUNT)]

    def get(
        self, key: ReceiverKey, *, max_age: timedelta = MAX_AGE, now: datetime
    ) -> Receiver | None:
        """Return the receiver of a URL; None if there is no such URL.

        One that was loaded before `max_age` is loaded again.
        """
        if cached := self.get_cached(key, max_age=max_age, now=now):
            return cached[1]
        with self.locks[hash(key) % LOCK_COUNT]:
            if cached := self.get_cached(key, max_age=max_age, now=now):
                return cached[1]
            return self.load([key], now=now)[0]

    def get_cached(
        self, key: ReceiverKey, *, max_age: timedelta = MAX_AGE, now: datetime
    ) -> tuple[datetime, Receiver | None] | None:
        """Return when a receiver was loaded, and the receiver; None if that is too long ago."""
        cached = self.receivers.get(key)
        return cached if cached and -MAX_AGE < now - cached[0] < max_age else None

    def load(self, keys: Sequence[ReceiverKey], *, now: datetime) -> list[Receiver | None]:
        """Load and cache the receivers of URLs; None for a URL that does not exist."""
        loaded = load_receivers(frozenset(keys), now=now)
        if len(self.receivers) + len(keys) > MAX_RECEIVERS:
            self.receivers.clear()
        self.receivers |= {key: (now, loaded.get(key)) for key in keys}
        return [loaded.get(key) for key in keys]


def load_receivers(keys: Collection[ReceiverKey], *, now: datetime) -> dict[ReceiverKey, Receiver]:
    """Load the receivers of URLs that exist, and whose connectors are installed.

    The key before the last rotation is valid until its end.
    """
    digests = {digest for _, digest in keys}
    previous = Q(previous_key_digest__in=digests, previous_key_until__gt=now)
    endpoints = InboundEndpoint.unscoped.filter(
        Q(key_digest__in=digests) | previous, connector_key__in={key for key, _ in keys}
    ).select_related("connection__disconnection", "tenant")
    receivers: dict[ReceiverKey, Receiver] = {}
    for endpoint in endpoints:
        connector = CONNECTORS.get(endpoint.connector_key)
        source = connector and connector.webhook_source
        wanted = [key for key in list_receiver_keys(endpoint, now=now) if key in keys]
        if source and wanted:
            receivers |= dict.fromkeys(wanted, build_receiver(endpoint, source, now=now))
    return receivers


def list_receiver_keys(endpoint: InboundEndpoint, *, now: datetime) -> list[ReceiverKey]:
    """List the keys of an endpoint's URL, and of the one before the last rotation until its end."""
    until, digests = endpoint.previous_key_until, [endpoint.key_digest]
    if endpoint.previous_key_digest and until and until > now:
        digests.append(endpoint.previous_key_digest)
    return [(endpoint.connector_key, digest) for digest in digests]


def build_receiver(endpoint: InboundEndpoint, source: WebhookSource, *, now: datetime) -> Receiver:
    """Build the receiver of an endpoint.

    If its settings describe no valid scheme, it gets no secrets, so all requests are rejected.
    """
    connection = endpoint.connection
    settings = connection.settings if connection else {}
    secrets = _load_secrets(endpoint, source, now=now)
    try:
        scheme = source.scheme_for(settings)
    except READ_ERRORS as error:
        log.error("incoming.scheme_unusable", endpoint=str(endpoint.public_id), error=str(error))
        scheme, secrets = UNUSABLE_SCHEME, []
    return Receiver(
        endpoint,
        source,
        scheme,
        [Secret(secret) for secret in secrets],
        settings,
        _parse_networks(endpoint),
        is_gone=bool(connection and is_disconnect_final(connection)),
        is_suspended=bool(endpoint.tenant and endpoint.tenant.suspended),
    )


def is_disconnect_final(connection: Connection) -> bool:
    """Return whether a connection is disconnected and can no longer be restored by an undo."""
    return connection.is_disconnected and get_pending_disconnection(connection) is None


def _parse_networks(endpoint: InboundEndpoint) -> list[Network]:
    """Return the networks of an endpoint; an invalid text allows no address."""
    networks: list[Network] = []
    for text in endpoint.allowed_sources:
        try:
            networks.append(ip_network(text, strict=False))
        except ValueError:
            log.error("incoming.network_unreadable", endpoint=str(endpoint.public_id))
    return networks


def _load_secrets(endpoint: InboundEndpoint, source: WebhookSource, *, now: datetime) -> list[str]:
    """Return the valid secrets, newest first; none if they do not open, so nothing is verified."""
    try:
        document = endpoint.open()
        if source.secret_from == "url":
            return [document["key"], *_list_previous_keys(endpoint, document, now=now)]
        valid = InboundEndpoint.list_valid_secrets(document, now=now)
        entered = _load_entered_secrets(endpoint, source, now=now)
        return [secret for secret in (*entered, *valid) if secret]
    except CannotOpen:
        log.error("incoming.secrets_cannot_be_opened", endpoint=str(endpoint.public_id))
        return []


def _list_previous_keys(
    endpoint: InboundEndpoint, document: Mapping[str, Any], *, now: datetime
) -> list[str]:
    """Return the key of the URL before the last rotation, until the overlap ends."""
    until, key = endpoint.previous_key_until, document.get("previous_key")
    return [key] if key and until and now < until else []


def _load_entered_secrets(
    endpoint: InboundEndpoint, source: WebhookSource, *, now: datetime
) -> list[str]:
    """List the secrets that people entered, for the connector app or the connection.

    A replaced signing secret is valid until the end of its overlap.
    """
    document: Mapping[str, Any] = {}
    if source.secret_from == "app_field":
        app = ConnectorApp.objects.filter(connector_key=endpoint.connector_key).first()
        document = app.open() if app else {}
    elif source.secret_from == "connection_field" and endpoint.connection:
        document = _open_credential(endpoint.connection)
    secret = str(document.get(source.secret_field, ""))
    return valid_signing_secrets({**document, "signing_secret": secret}, at=now)


@sensitive_variables()
def _open_credential(connection: Connection) -> Mapping[str, Any]:
    """Return the document of the connection's credential, or of its disconnect that can be undone.

    Raises CannotOpen.
    """
    if disconnection := get_pending_disconnection(connection):
        kept: Mapping[str, Any] = disconnection.open()["secret"]
        return kept
    credential = Credential.unscoped.filter(connection=connection).first()
    return credential.open(connection) if credential else {}
