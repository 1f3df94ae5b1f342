"""Events, their bodies as received, and the first response to each Idempotency-Key."""

from datetime import datetime
from typing import Any

from django.core.validators import RegexValidator
from django.db import models

from hub.connections.models import Connection
from hub.db.ids import uuid7
from tenants.models import ApiKey, Tenant
from tenants.scoping import Scoped

EVENT_TYPE = RegexValidator(
    r"\A[a-z0-9_]+(\.[a-z0-9_]+)*\Z", "Lower case words with dots, such as order.created."
)


class Event(Scoped):
    """Something that happened at a tenant; unique by tenant, source and the sender's id."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="events")
    source = models.CharField(max_length=40)  # api, staff, or a connector's key
    sender_id = models.CharField(max_length=200)
    type = models.CharField(max_length=120, validators=[EVENT_TYPE])
    # the connection that received it; null: our own application, or staff, published it
    origin = models.ForeignKey(
        Connection,
        on_delete=models.PROTECT,
        null=True,
        related_name="received_events",
        db_index=False,
    )
    digest = models.CharField(max_length=64)  # SHA-256 of the canonical body, hex
    reason = models.CharField(max_length=40, blank=True)  # no_route, or empty
    occurred_at = models.DateTimeField()
    accepted_at = models.DateTimeField()

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "source", "sender_id"), name="one_event_once"
            ),
        )
        indexes = (
            models.Index(fields=("tenant", "-id"), name="events_of_tenant"),
            models.Index(
                fields=("origin", "-id"),
                condition=models.Q(origin__isnull=False),
                name="received_events",
            ),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.sender_id}"

    def build_document(self, tenant: Tenant, data: Any) -> dict[str, Any]:
        return build_event_document(self.sender_id, self.type, tenant, self.occurred_at, data)


def build_event_document(
    sender_id: str, type: str, tenant: Tenant, occurred_at: datetime, data: Any
) -> dict[str, Any]:
    """Build the document that filters and mappings read."""
    return {
        "id": sender_id,
        "type": type,
        "tenant": tenant.reference,
        "occurred_at": occurred_at.isoformat(),
        "data": data,
    }


class EventBody(models.Model):
    """The bytes of an event as received; JSON."""

    event_id = models.BigIntegerField(primary_key=True)
    body = models.BinaryField()

    def __str__(self) -> str:
        return f"body of event {self.event_id}"


class ReceivedDataErasure(Scoped):
    """The erasure of the events that a connection received until a time, until it is complete."""

    TENANT = "connection__tenant"

    connection = models.OneToOneField(
        Connection, on_delete=models.CASCADE, related_name="received_data_erasure"
    )
    erased_at = models.DateTimeField()  # of the request: later events stay
    due_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"erasure of events of connection {self.connection_id}"


class Idempotency(models.Model):
    """The first response to an Idempotency-Key, stored for 24 hours."""

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
