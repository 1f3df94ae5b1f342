"""Inbound items: the notifications in a message, each for one connection."""

from collections.abc import Mapping
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hub.connections.models import Connection
from hub.db.ids import uuid7
from hub.db.state_machine import StateMachine
from hub.incoming.models.messages import InboundMessage
from hub.outgoing.models import Event
from tenants.models import Tenant
from tenants.scoping import Scoped


class InboundItem(Scoped, StateMachine):
    """One notification in an inbound message, for one connection.

    An item that cannot be attributed has no connection. If several connections share the message's
    account, the item has a row for each of them.
    """

    class State(models.TextChoices):
        RECEIVED = "received", _("Received")
        HELD = "held", _("Held")
        PROCESSED = "processed", _("Processed")
        DUPLICATE = "duplicate", _("Duplicate")
        ECHO = "echo", _("Echo")
        UNMATCHED = "unmatched", _("Unmatched")
        QUARANTINED = "quarantined", _("Quarantined")
        SKIPPED = "skipped", _("Skipped")

    TRANSITIONS: ClassVar[Mapping[str, set[str]]] = {
        "received": {"processed", "held", "echo", "quarantined", "skipped"},
        "held": {"received", "quarantined", "skipped"},
        "unmatched": {"received", "held", "quarantined"},
        "quarantined": {"received"},
        "echo": {"received"},
        "skipped": {"received"},
        "processed": {"received"},  # a replay
    }

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    message = models.ForeignKey(InboundMessage, on_delete=models.CASCADE, related_name="items")
    connector_key = models.CharField(max_length=40)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, null=True, db_index=False)
    connection = models.ForeignKey(
        Connection,
        on_delete=models.CASCADE,
        null=True,
        related_name="inbound_items",
        db_index=False,
    )
    account = models.CharField(max_length=200, blank=True)  # as the system names it
    # the system's id of the notification; unique per connection
    item_key = models.CharField(max_length=200)
    # the change, as webhooks and reads of the record name it; unique per connection unless empty
    change_key = models.CharField(max_length=200, blank=True, default="", db_default="")
    position = models.PositiveSmallIntegerField(default=0)  # in its message, from 0
    # the type of its event: connector, object, change
    type = models.CharField(max_length=120)
    record = models.CharField(max_length=200, blank=True)  # the id of the changed record
    # when the record had been changed last, by the system's clock; null: it does not tell
    changed_at = models.DateTimeField(null=True)
    # it was read from the system, instead of received from it
    is_read = models.BooleanField(default=False, db_default=False)
    author = models.CharField(max_length=200, blank=True)  # the external user who caused it
    state = models.CharField(max_length=12, choices=State, default=State.RECEIVED)
    reason = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    replay_number = models.PositiveSmallIntegerField(default=0)
    event = models.ForeignKey(
        Event, on_delete=models.SET_NULL, null=True, related_name="inbound_items"
    )
    occurred_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField()
    state_changed_at = models.DateTimeField()

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("connection", "item_key"),
                condition=Q(connection__isnull=False),
                name="one_item_per_connection",
            ),
            models.UniqueConstraint(
                fields=("connector_key", "account", "item_key"),
                condition=Q(connection=None),
                name="one_unmatched_item",
            ),
            models.UniqueConstraint(
                fields=("connection", "change_key"),
                condition=~Q(change_key=""),
                name="one_item_per_change",
            ),
        )
        indexes = (
            models.Index(fields=("tenant", "-id"), name="inbound_items_of_tenant"),
            models.Index(
                fields=("state", "-id"),
                condition=Q(state__in=("received", "held", "unmatched", "quarantined")),
                name="inbound_items_open",
            ),
            models.Index(fields=("connection", "-id"), name="inbound_items_of_connection"),
            models.Index(
                fields=("connection", "reason"),
                condition=Q(state="held"),
                name="inbound_items_held",
            ),
            models.Index(
                fields=("connection", "message", "position"),
                condition=Q(state="received"),
                name="inbound_items_in_order",
            ),
            models.Index(fields=("connector_key", "account"), name="inbound_items_of_account"),
            models.Index(
                fields=("connection", "record", "-changed_at"),
                condition=Q(changed_at__isnull=False),
                name="inbound_items_of_record",
            ),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.item_key}"

    @property
    def is_whole_message(self) -> bool:
        """Return whether it represents an unreadable message, or one whose processing failed."""
        return not self.type
