"""Gaps: the times in which changes of a source may have been missed."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hub.connections.models import Connection
from hub.db.ids import uuid7
from hub.db.state_machine import StateMachine
from hub.incoming.models.sources import InboundSource
from tenants.models import Tenant
from tenants.scoping import Scoped


class InboundGap(Scoped, StateMachine):
    """A time in which changes of a source may have been missed, and what reading it found.

    `to_at` is null while its cause lasts. What the system could not give is between `missing_from`
    and `missing_to`. A gap that lasts, or whose end has not settled, is read in parts, which the
    counts add up. Where an interrupted read continues is in the cursor of its run.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Open")  # its cause lasts
        DUE = "due", _("Due")
        HELD = "held", _("Held")  # a person must start it
        READING = "reading", _("Being read")
        CLOSED = "closed", _("Closed")
        INCOMPLETE = "incomplete", _("Not complete")
        CANCELLED = "cancelled", _("Cancelled")

    class Cause(models.TextChoices):
        SILENCE = "silence", _("Silence")
        CANARY = "canary", _("Check of the hub not received")
        MISSED = "missed", _("Change not received")
        GONE = "gone", _("Webhook deleted")
        EDITED = "edited", _("Webhook changed")
        DISABLED = "disabled", _("Webhook disabled")
        BAN = "ban", _("Webhook banned")
        EXPIRED = "expired", _("Webhook expired")
        OUTAGE = "outage", _("Outage of the hub")
        REFUSED = "refused", _("Requests refused by the hub")
        QUARANTINED = "quarantined", _("Message set aside")
        RATE_LIMITED = "rate_limited", _("Limited by the system")
        BY_HAND = "by_hand", _("Requested by a person")

    UNFINISHED_STATES: ClassVar[tuple[str, ...]] = ("open", "due", "held", "reading")
    TRANSITIONS: ClassVar[Mapping[str, set[str]]] = {
        "open": {"due", "held", "reading", "cancelled"},
        "due": {"open", "reading", "held", "cancelled"},
        "held": {"due", "cancelled"},
        "reading": {"open", "due", "closed", "incomplete", "cancelled"},
        "incomplete": {"due"},
        "cancelled": {"due"},
    }

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="gaps")
    source = models.ForeignKey(
        InboundSource, on_delete=models.CASCADE, related_name="gaps", db_index=False
    )
    cause = models.CharField(max_length=20, choices=Cause)
    detail = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    reason = models.CharField(max_length=40, blank=True)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True)
    read_until = models.DateTimeField(null=True)  # up to where all was read; null: nothing was
    due_at = models.DateTimeField(null=True)  # when it is read next
    run_id = models.UUIDField(null=True)  # the public id of the run that reads it
    requested_by = models.CharField(max_length=200, blank=True)
    read_count = models.PositiveIntegerField(default=0)  # changes
    known_count = models.PositiveIntegerField(default=0)  # of these, what webhooks had reported
    new_count = models.PositiveIntegerField(default=0)
    deleted_count = models.PositiveIntegerField(default=0)  # of the new ones
    unreadable_count = models.PositiveIntegerField(default=0)
    expected_count = models.PositiveIntegerField(null=True)  # an estimate; null: unknown
    missing_from = models.DateTimeField(null=True)
    missing_to = models.DateTimeField(null=True)
    opened_at = models.DateTimeField()
    state_changed_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("source",), condition=Q(state="open"), name="one_open_gap_per_source"
            ),
        )
        indexes = (
            models.Index(fields=("due_at",), condition=Q(due_at__isnull=False), name="gaps_due"),
            models.Index(
                fields=("source", "from_at"),
                condition=Q(state__in=("open", "due", "held", "reading")),
                name="gaps_unfinished",
            ),
            models.Index(fields=("source", "-id"), name="gaps_of_source"),
            models.Index(fields=("tenant", "-id"), name="gaps_of_tenant"),
        )

    def __str__(self) -> str:
        return f"gap of {self.source} from {self.from_at:%Y-%m-%d %H:%M}"

    @property
    def unread_from(self) -> datetime:
        """Return from when on it is to be read."""
        return self.read_until or self.from_at

    @property
    def incomplete_from(self) -> datetime:
        """Return from when on something may be missing."""
        return min(self.missing_from or self.unread_from, self.unread_from)
