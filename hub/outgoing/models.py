"""event -> delivery -> attempt -> exchange: a fact, its way to one connection, one try, the call that carried it.

Bodies and exchanges stand in side tables that nothing points to by foreign key, so they can be pruned in batches.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from connectors.registry import CONNECTORS
from hub.connections.models import Connection, a_connector
from hub.ids import uuid7
from hub.mappings.models import FieldMapping, MappingVersion
from hub.states import Moves
from tenants.models import ApiKey, Tenant
from tenants.scoping import Scoped

STOPPED = {"dead", "held", "cancelled"}  # a retry sets them going
UNSENT = {"waiting", "held"}  # a person may cancel them
DONE = {"delivered", "dead", "cancelled", "skipped"}  # may be sent again

EVENT_TYPE = RegexValidator(r"\A[a-z0-9_]+(\.[a-z0-9_]+)*\Z", "Lower case words with dots, such as order.created.")
TYPE_PATTERN = RegexValidator(
    r"\A(\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?)\Z", "An event type, or a beginning with .* such as order.*"
)


class Event(Scoped):
    """A fact, told once: unique by tenant, source and the sender's id."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="events")
    source = models.CharField(max_length=40)  # api, staff, or a connector's key
    sender_id = models.CharField(max_length=200)
    type = models.CharField(max_length=120, validators=[EVENT_TYPE])
    digest = models.CharField(max_length=64)  # SHA-256 of the canonical body, hex
    reason = models.CharField(max_length=40, blank=True)  # no_route, or empty
    occurred_at = models.DateTimeField()
    accepted_at = models.DateTimeField()

    class Meta(Scoped.Meta):
        constraints = (models.UniqueConstraint(fields=("tenant", "source", "sender_id"), name="one_event_once"),)
        indexes = (models.Index(fields=("tenant", "-id"), name="events_of_tenant"),)

    def __str__(self) -> str:
        return f"{self.type} {self.sender_id}"

    def document(self, tenant: Tenant, data: Any) -> dict[str, Any]:
        return document(self.sender_id, self.type, tenant, self.occurred_at, data)


def document(sender_id: str, type: str, tenant: Tenant, occurred_at: datetime, data: Any) -> dict[str, Any]:
    """What filters and mappings see of an event."""
    return {
        "id": sender_id,
        "type": type,
        "tenant": tenant.reference,
        "occurred_at": occurred_at.isoformat(),
        "data": data,
    }


class EventBody(models.Model):
    """The bytes of an event as they were received; JSON."""

    event_id = models.BigIntegerField(primary_key=True)
    body = models.BinaryField()

    def __str__(self) -> str:
        return f"body of event {self.event_id}"


class Idempotency(models.Model):
    """The first answer to an Idempotency-Key, for 24 hours."""

    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE)
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    answer = models.JSONField()
    location = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("api_key", "key"), name="one_first_answer"),)

    def __str__(self) -> str:
        return self.key


class Route(Scoped):
    """When this event (and filter), do this action on that connection, with this mapping."""

    SHARED = True

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, null=True, blank=True, related_name="routes", help_text="Empty: all tenants."
    )
    name = models.CharField(max_length=200)
    event_type = models.CharField("event type", max_length=120, validators=[TYPE_PATTERN])
    filter = models.TextField(blank=True, help_text="JMESPath; empty: every event of the type.")
    connector = models.CharField(max_length=40, validators=[a_connector])
    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, null=True, blank=True, related_name="routes",
        help_text="Empty: every connection of the tenant at the connector.",
    )  # fmt: skip
    action = models.CharField(max_length=40)
    mapping = models.ForeignKey(FieldMapping, on_delete=models.PROTECT, related_name="routes")
    retry_schedule = models.JSONField(
        default=list, blank=True, help_text="Seconds between attempts; empty: the hub's own schedule over 75 hours."
    )
    ordered = models.BooleanField(
        default=False, db_default=False, help_text="Each goes only after the one before it has arrived."
    )
    order_key = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="JMESPath; only events of the same key keep their order. Empty: all of the connection.",
    )
    never_twice = models.BooleanField(
        default=False,
        db_default=False,
        help_text="What may have arrived is not sent again by itself, where the system cannot tell.",
    )
    expires_after = models.PositiveIntegerField(
        null=True, blank=True, help_text="Seconds after which it is not sent any more; empty: it never expires."
    )
    enabled = models.BooleanField(default=True)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(Scoped.Meta):
        indexes = (models.Index(fields=("tenant", "event_type"), name="routes_of_tenant"),)

    def __str__(self) -> str:
        return self.name

    @property
    def holds_unknown(self) -> bool:
        """Whether what may have arrived waits for a person: twice would hurt, and the system cannot be told our id."""
        try:
            return self.never_twice and not CONNECTORS[self.connector].action(self.action).idempotent
        except LookupError:
            return True


class Delivery(Scoped, Moves):
    """One event on its way to one connection, by one route."""

    class State(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"
        DELIVERED = "delivered"
        HELD = "held"
        SKIPPED = "skipped"
        DEAD = "dead"
        CANCELLED = "cancelled"

    OPEN: ClassVar[tuple[str, ...]] = (
        "waiting",
        "sending",
        "held",
        "dead",
    )  # the next of an ordered route waits for it

    # waiting -> sending -> delivered; what cannot go on is held, skipped, dead or cancelled, and a person moves it
    MOVES: ClassVar[Mapping[str, set[str]]] = {
        "waiting": {"sending", "held", "skipped", "cancelled", "dead"},
        "sending": {"delivered", "waiting", "held", "dead"},
        "held": {"waiting", "skipped", "cancelled", "dead"},
        "dead": {"waiting", "skipped"},
        "cancelled": {"waiting"},
    }

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    outward_id = models.UUIDField(default=uuid7, editable=False)  # the same over attempts and replays
    # each index is written twice on a delivery's way: what another begins with is none of its own
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    route = models.ForeignKey(Route, on_delete=models.PROTECT, related_name="deliveries")
    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, null=True, related_name="deliveries", db_index=False
    )
    replay = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    reason = models.CharField(max_length=40, blank=True)
    says = models.CharField(max_length=500, blank=True)  # in words, what stands behind the reason
    due_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    crashes = models.PositiveSmallIntegerField(default=0)
    lease = models.UUIDField(null=True)
    unsure = models.BooleanField(default=False)  # an attempt ended unknown: it may have arrived before
    background = models.BooleanField(default=False)  # set going by an operation: it may wait for what is live
    mapping_version = models.ForeignKey(
        MappingVersion, on_delete=models.PROTECT, null=True, db_index=False, db_constraint=False
    )
    position = models.BigIntegerField(null=True)  # in the queue of its order key; empty: it is not ordered
    order_key = models.CharField(max_length=64, blank=True, default="", db_default="")
    expires_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField()
    moved_at = models.DateTimeField()  # since when it has this state

    class Meta(Scoped.Meta):
        verbose_name_plural = "deliveries"
        constraints = (
            models.UniqueConstraint(fields=("event", "route", "connection", "replay"), name="one_delivery_once"),
            models.UniqueConstraint(
                fields=("event", "route", "replay"), condition=Q(connection=None), name="one_not_connected"
            ),
        )
        indexes = (
            models.Index(fields=("connection", "due_at"), condition=Q(state="waiting"), name="deliveries_due"),
            models.Index(fields=("connection",), condition=Q(state="sending"), name="deliveries_sending"),
            models.Index(fields=("tenant", "-id"), name="deliveries_of_tenant"),
            models.Index(
                fields=("connection", "route", "order_key", "position"),
                condition=Q(position__isnull=False, state__in=("waiting", "sending", "held", "dead")),
                name="deliveries_in_order",
            ),
            models.Index(
                fields=("expires_at",),
                condition=Q(expires_at__isnull=False, state__in=("waiting", "held")),
                name="deliveries_expiring",
            ),
            models.Index(fields=("due_at",), condition=Q(state="waiting", crashes__gt=1), name="deliveries_suspect"),
            models.Index(fields=("route",), condition=Q(connection=None, state="held"), name="deliveries_unconnected"),
            models.Index(
                fields=("state", "-id"), condition=Q(state__in=("held", "dead", "waiting")), name="deliveries_stopped"
            ),
            models.Index(  # of the few that did not just arrive: nothing on the hot path writes it
                fields=("tenant", "state", "-id"),
                condition=Q(state__in=("held", "dead", "skipped", "cancelled")),
                name="deliveries_astray",
            ),
        )

    def __str__(self) -> str:
        return f"delivery {self.public_id}"

    @property
    def message_id(self) -> str:
        """The id that the other system sees."""
        return f"msg_{self.outward_id.hex}"


class Rendering(models.Model):
    """What the mapping made at the first attempt; the same bytes go at every attempt."""

    delivery_id = models.BigIntegerField(primary_key=True)
    body = models.BinaryField()
    version_id = models.BigIntegerField(null=True)  # of the mapping that made it
    ticket = models.CharField(max_length=300, blank=True)  # taken, not yet confirmed: what to ask about

    def __str__(self) -> str:
        return f"rendering of delivery {self.delivery_id}"


class Attempt(Scoped):
    """One try of one delivery, and what it came to."""

    TENANT = "delivery__tenant"

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries", db_constraint=False)
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField(null=True)
    outcome = models.CharField(max_length=10)  # a kind of connectors.outcomes
    reason = models.CharField(max_length=60, blank=True)
    says = models.CharField(max_length=500, blank=True)
    reference = models.CharField(max_length=200, blank=True)  # their id of what was made
    exchange = models.UUIDField(null=True)  # no foreign key: exchanges are pruned on their own

    class Meta(Scoped.Meta):
        ordering = ("id",)

    def __str__(self) -> str:
        return f"attempt {self.number}: {self.outcome}"


class Exchange(models.Model):
    """The HTTP call that carried one attempt, or many: redacted before it is written."""

    id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    method = models.CharField(max_length=10)
    url = models.TextField()
    request_headers = models.JSONField(default=dict)
    request_body = models.BinaryField()
    status = models.PositiveSmallIntegerField(null=True)
    response_headers = models.JSONField(default=dict)
    response_body = models.BinaryField(default=bytes)
    error = models.CharField(max_length=60, blank=True)

    class Meta:
        indexes = (models.Index(fields=("at",), name="exchanges_by_age"),)

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


class PumpPlace(models.Model):
    """One place for each pump that may run; leased, so that a dead pump's place is free again."""

    number = models.PositiveSmallIntegerField(primary_key=True)
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"place {self.number}"
