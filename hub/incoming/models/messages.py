"""Inbound messages: one row for each webhook request that was accepted or rejected."""

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from connectors.outcomes import clean_text
from hub.connections.models import Connection
from hub.crypto.sealed import SealedField, seal
from hub.db.ids import uuid7
from hub.incoming.models.endpoints import InboundEndpoint
from tenants.models import Tenant
from tenants.scoping import Scoped

MAX_SHARE_KEY_LENGTH = 200  # characters
READ_METHOD = "READ"  # of what was read from the system, instead of received from it


class InboundMessage(Scoped):
    """One webhook request: accepted, or rejected with its exact cause.

    It may also be a record that a sync has read, in the form of the webhook that did not arrive.

    A repetition of an accepted message is counted and not stored. An accepted message is due
    (`due_at`) until it is processed into items; `lease` and `lease_until` claim it. `share_key` is
    its account, as far as the receiver can determine it without parsing the whole body; accounts
    are processed in turns. A rejected message has no body; its row is deleted after 7 days.
    """

    class State(models.TextChoices):
        ACCEPTED = "accepted", _("Accepted")
        REJECTED = "rejected", _("Rejected")

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    endpoint = models.ForeignKey(
        InboundEndpoint, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    connector_key = models.CharField(max_length=40)
    # of the endpoint; null at the endpoint of a connector app
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, null=True, db_index=False)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, null=True, db_index=False)
    # the provider's delivery id, or the SHA-256 of the body; unique per endpoint
    message_key = models.CharField(max_length=200)
    share_key = models.CharField(max_length=MAX_SHARE_KEY_LENGTH, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.ACCEPTED)
    cause = models.CharField(max_length=40, blank=True)  # of a rejection
    detail = models.CharField(max_length=500, blank=True)
    method = models.CharField(max_length=8, default="POST")
    query = models.CharField(max_length=2000, blank=True)  # without secrets
    headers = models.JSONField(default=dict)  # by lower-case name, without secrets
    # credentials for a reply, such as a response URL; null: there are none
    sealed = SealedField(null=True, editable=False)
    reply_count = models.PositiveSmallIntegerField(default=0, db_default=0)  # answers by these
    size = models.PositiveIntegerField(default=0)  # bytes of the body as received
    received_at = models.DateTimeField()
    # when it is to be processed; null: it was, or it is rejected
    due_at = models.DateTimeField(null=True)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    processed_at = models.DateTimeField(null=True)

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("endpoint", "message_key"),
                condition=Q(state="accepted"),
                name="one_inbound_message_once",
            ),
        )
        indexes = (
            models.Index(
                fields=("share_key", "id"),
                condition=Q(due_at__isnull=False),
                name="inbound_messages_due",
            ),
            models.Index(fields=("endpoint", "-id"), name="messages_of_endpoint"),
            models.Index(
                fields=("received_at",),
                condition=Q(sealed__isnull=False),
                name="messages_with_reply",
            ),
            models.Index(fields=("tenant", "-id"), name="inbound_messages_of_tenant"),
            models.Index(
                fields=("-id",), condition=Q(state="rejected"), name="inbound_messages_rejected"
            ),
        )

    def __str__(self) -> str:
        return f"{self.state} message {self.public_id}"

    @staticmethod
    def build_share_key(endpoint_id: int, account: str) -> str:
        """Return the share key of the messages at an endpoint for an account; "" if unknown."""
        return clean_text(f"{endpoint_id}:{account}", MAX_SHARE_KEY_LENGTH)

    @property
    def is_read(self) -> bool:
        """Return whether it was read from the system, instead of received from it."""
        return self.method == READ_METHOD

    @property
    def binding(self) -> str:
        return f"inbound_message:{self.public_id}"

    def seal(self, document: Mapping[str, Any]) -> None:
        self.sealed = seal(document, self.binding)

    def open(self) -> dict[str, Any]:
        """Return the credentials for a reply; empty if there are none. Raises CannotOpen."""
        return self.sealed.open(self.binding) if self.sealed else {}


class InboundBody(models.Model):
    """The body of an accepted message without the secrets in it, compressed with zlib."""

    message_id = models.BigIntegerField(primary_key=True)
    body = models.BinaryField()

    def __str__(self) -> str:
        return f"body of inbound message {self.message_id}"
