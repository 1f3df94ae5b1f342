"""Deliveries, their attempts, and exchanges (the HTTP calls).

Renderings and exchanges are side tables without foreign keys to them, so that pruning can delete
them in batches.
"""

from collections.abc import Mapping
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from connectors.registry import CONNECTORS
from hub.connections.models import Connection
from hub.db.ids import uuid7
from hub.db.state_machine import StateMachine
from hub.mappings.models import MappingVersion
from hub.outgoing.models.events import Event
from hub.outgoing.models.index_states import (
    create_index_state_field,
    match_index_states,
    register_state_lookups,
)
from hub.outgoing.models.routes import Route
from tenants.models import Tenant
from tenants.scoping import Scoped

RETRYABLE_STATES = {"failed", "held", "cancelled"}  # a retry sets these to waiting
CANCELLABLE_STATES = {"waiting", "held"}  # a person may cancel them
FINAL_STATES = {"delivered", "failed", "cancelled", "skipped"}  # may be sent again


class Delivery(Scoped, StateMachine):
    """A delivery: one event for one connection, by one route."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENDING = "sending", _("Sending")
        DELIVERED = "delivered", _("Delivered")
        HELD = "held", _("Held")
        SKIPPED = "skipped", _("Skipped")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    # the next of an ordered route waits for it
    ORDER_BLOCKING_STATES: ClassVar[tuple[str, ...]] = ("waiting", "sending", "held", "failed")

    # waiting -> sending -> delivered; what cannot go on is held, skipped, failed or cancelled
    TRANSITIONS: ClassVar[Mapping[str, set[str]]] = {
        "waiting": {"sending", "held", "skipped", "cancelled", "failed"},
        "sending": {"delivered", "waiting", "held", "skipped", "failed"},
        "held": {"waiting", "skipped", "cancelled", "failed"},
        "failed": {"waiting", "skipped"},
        "cancelled": {"waiting"},
    }

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    # the same over attempts and replays
    message_uuid = models.UUIDField(default=uuid7, editable=False)
    # Every index is written twice per delivery, so no column has an index of its own with which
    # another index begins.
    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, related_name="deliveries", db_index=False
    )
    event = models.ForeignKey(
        Event, on_delete=models.PROTECT, related_name="deliveries", db_index=False
    )
    route = models.ForeignKey(Route, on_delete=models.PROTECT, related_name="deliveries")
    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, null=True, related_name="deliveries", db_index=False
    )
    replay_number = models.PositiveSmallIntegerField(default=0)
    # look-ups of the state add the index column, see index_states.py
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    index_state = create_index_state_field()
    reason = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=500, blank=True)  # of the system's response, or the hub's
    due_at = models.DateTimeField(null=True)
    # the QuotaQueue in which it waits; 0: none
    quota_queue = models.BigIntegerField(default=0, db_default=0)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    crash_count = models.PositiveSmallIntegerField(default=0)
    lease = models.UUIDField(null=True)
    # an attempt ended unknown: it may have arrived before
    possibly_delivered = models.BooleanField(default=False)
    # requeued by an operation: it may wait for live deliveries
    low_priority = models.BooleanField(default=False)
    mapping_version = models.ForeignKey(
        MappingVersion, on_delete=models.PROTECT, null=True, db_index=False, db_constraint=False
    )
    # in the queue of its order key; empty: it is not ordered
    position = models.BigIntegerField(null=True)
    order_key = models.CharField(max_length=64, blank=True, default="", db_default="")
    expires_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField()
    state_changed_at = models.DateTimeField()  # since when it has this state

    class Meta(Scoped.Meta):
        verbose_name_plural = "deliveries"
        constraints = (
            models.UniqueConstraint(
                fields=("event", "route", "connection", "replay_number"), name="one_delivery_once"
            ),
            models.UniqueConstraint(
                fields=("event", "route", "replay_number"),
                condition=Q(connection=None),
                name="one_not_connected",
            ),
        )
        indexes = (
            models.Index(
                fields=("connection", "quota_queue", "due_at", "id"),
                condition=match_index_states("waiting"),
                name="deliveries_due",
            ),
            models.Index(
                fields=("quota_queue", "id"),
                condition=Q(quota_queue__gt=0) & match_index_states("waiting"),
                name="deliveries_queued",
            ),
            models.Index(fields=("tenant", "-id"), name="deliveries_of_tenant"),
            models.Index(
                fields=("connection", "route", "order_key", "position"),
                condition=Q(position__isnull=False)
                & match_index_states("waiting", "sending", "held", "failed"),
                name="deliveries_in_order",
            ),
            models.Index(
                fields=("expires_at",),
                condition=Q(expires_at__isnull=False) & match_index_states("waiting", "held"),
                name="deliveries_expiring",
            ),
            models.Index(
                fields=("due_at",),
                condition=Q(crash_count__gt=1) & match_index_states("waiting"),
                name="deliveries_suspect",
            ),
            models.Index(
                fields=("route",),
                condition=Q(connection=None) & match_index_states("held"),
                name="deliveries_unconnected",
            ),
            models.Index(
                fields=("index_state", "-id"),
                condition=match_index_states("held", "failed", "waiting"),
                name="deliveries_stopped",
            ),
            models.Index(  # only of deliveries that did not just arrive: the hot path writes none
                fields=("tenant", "index_state", "-id"),
                condition=match_index_states("held", "failed", "skipped", "cancelled"),
                name="deliveries_astray",
            ),
        )

    def __str__(self) -> str:
        return f"delivery {self.public_id}"

    @property
    def message_id(self) -> str:
        """Return the message id that the other system receives."""
        return f"msg_{self.message_uuid.hex}"

    @classmethod
    def reserved_for_platform(cls) -> Q:
        """Match deliveries over the platform's own connection, as of notices to our application."""
        platform = [key for key, connector in CONNECTORS.items() if connector.is_for_platform]
        unowned = Q(connection__isnull=False, connection__tenant__isnull=True)
        return unowned | Q(route__connector_key__in=platform)


register_state_lookups(Delivery._meta.get_field("state"))


class Rendering(models.Model):
    """The bytes that the mapping rendered at the first attempt, sent by every later one."""

    delivery_id = models.BigIntegerField(primary_key=True)
    body = models.BinaryField()
    version_id = models.BigIntegerField(null=True)  # of the mapping
    # accepted, not yet confirmed: the id by which the hub asks
    ticket = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"rendering of delivery {self.delivery_id}"


class Attempt(Scoped):
    """An attempt of one delivery, with its outcome."""

    TENANT = "delivery__tenant"

    delivery = models.ForeignKey(
        Delivery, on_delete=models.CASCADE, related_name="attempts", db_constraint=False
    )
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField(null=True)
    outcome = models.CharField(max_length=10)  # a kind of connectors.outcomes
    reason = models.CharField(max_length=60, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    # the id of the record in the other system
    reference = models.CharField(max_length=200, blank=True)
    exchange = models.UUIDField(null=True)  # no foreign key: exchanges are pruned on their own
    carried_by: "Exchange | None"  # set by the API, for its response

    class Meta(Scoped.Meta):
        ordering = ("id",)

    def __str__(self) -> str:
        return f"attempt {self.number}: {self.outcome}"


class Exchange(models.Model):
    """The HTTP call that carried one attempt or many; redacted before it is stored."""

    id = models.UUIDField(primary_key=True)  # a UUIDv7: in the order of time
    at = models.DateTimeField()
    method = models.CharField(max_length=10)
    url = models.TextField()
    request_headers = models.JSONField(default=dict)
    request_body = models.BinaryField()
    status = models.PositiveSmallIntegerField(null=True)
    response_headers = models.JSONField(default=dict)
    response_body = models.BinaryField(default=bytes)
    error = models.CharField(max_length=60, blank=True)

    def __str__(self) -> str:
        return f"{self.method} {self.url}"
