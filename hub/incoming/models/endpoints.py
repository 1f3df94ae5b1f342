"""The URLs at which webhooks of external systems arrive, and counts of their requests."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from connectors.base import Connector
from connectors.registry import CONNECTORS
from hub.connections.models import Connection, validate_connector_key
from hub.crypto.sealed import Sealed, SealedField, seal
from hub.db.ids import uuid7
from tenants.models import Tenant
from tenants.scoping import Scoped


def hash_endpoint_key(key: str) -> str:
    """Return the SHA-256, in hex, of the key in an endpoint's URL, for its look-up."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


class InboundEndpoint(Scoped):
    """One URL of ours at which a system delivers webhooks, with the secrets that verify them.

    It belongs to a connection, or to a connector app if one URL serves all tenants (`connection`
    and `tenant` are then null). The sealed document is `{"key", "previous_key", "secrets"}`: the
    keys of the URL, and a list of `{"secret", "until"}` (`until`: ISO 8601, null for a secret
    without an end).
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    connector_key = models.CharField(max_length=40, validators=[validate_connector_key])
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, null=True, blank=True)
    connection = models.OneToOneField(
        Connection,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="inbound_endpoint",
    )
    key_digest = models.CharField(max_length=64, unique=True, editable=False)
    # the key before the last rotation; it is accepted until `previous_key_until`
    previous_key_digest = models.CharField(
        max_length=64, unique=True, null=True, blank=True, editable=False
    )
    previous_key_until = models.DateTimeField(null=True, blank=True, editable=False)
    sealed = SealedField(editable=False)
    # networks in CIDR notation from which webhooks are accepted; empty: from everywhere
    allowed_sources = models.JSONField(default=list, blank=True)
    # when an item of it was last accepted
    last_item_at = models.DateTimeField(null=True, blank=True, editable=False)
    # when its registrations are compared with the system's next; null: there is nothing to compare
    next_check_at = models.DateTimeField(null=True, blank=True, editable=False)
    # who changes its registrations at the system, and until when
    registration_lease = models.UUIDField(null=True, editable=False)
    registration_lease_until = models.DateTimeField(null=True, editable=False)
    # how far a check came in its time slice, until its task resumes it
    check_progress = SealedField(null=True, editable=False)
    # when its wanted registrations were last derived from the routes
    planned_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(Scoped.Meta):
        indexes = (
            models.Index(
                fields=("next_check_at",),
                condition=Q(next_check_at__isnull=False),
                name="endpoints_to_check",
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("connector_key",),
                condition=Q(connection=None),
                name="one_endpoint_per_app",
            ),
        )

    def __str__(self) -> str:
        return f"webhooks of {self.connection or self.connector_key}"

    @property
    def binding(self) -> str:
        return f"inbound_endpoint:{self.public_id}"

    @property
    def connector(self) -> Connector:
        """Return the connector. Raises LookupError if it is not installed."""
        return CONNECTORS[self.connector_key]

    def open(self) -> dict[str, Any]:
        """Return the decrypted document. Raises CannotOpen."""
        return self.sealed.open(self.binding)

    def seal(self, document: Mapping[str, Any]) -> None:
        self.sealed = seal(document, self.binding)

    def open_check_progress(self) -> dict[str, Any]:
        """Return the document; empty if no check has to be resumed. Raises CannotOpen."""
        return self.check_progress.open(self._progress_binding) if self.check_progress else {}

    def seal_check_progress(self, document: Mapping[str, Any]) -> Sealed:
        return seal(document, self._progress_binding)

    @property
    def _progress_binding(self) -> str:
        return f"{self.binding}:check"

    @staticmethod
    def list_valid_secrets(document: Mapping[str, Any], *, now: datetime) -> list[str]:
        """List the secrets of an opened document that are valid now, the newest first."""
        return [
            entry["secret"]
            for entry in document.get("secrets") or ()
            if not entry.get("until") or now < datetime.fromisoformat(entry["until"])
        ]


class InboundCount(Scoped):
    """How many requests with the same result an endpoint answered in one minute.

    `cause` is `accepted`, `duplicate`, or the cause of a rejection.
    """

    TENANT = "endpoint__tenant"

    endpoint = models.ForeignKey(
        InboundEndpoint, on_delete=models.CASCADE, related_name="counts", db_index=False
    )
    minute = models.DateTimeField()
    cause = models.CharField(max_length=40)
    count = models.PositiveIntegerField(default=0)

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("endpoint", "minute", "cause"), name="one_inbound_count"
            ),
        )
        indexes = (models.Index(fields=("minute",), name="inbound_counts_by_minute"),)

    def __str__(self) -> str:
        return f"{self.count} {self.cause} at {self.minute}"
