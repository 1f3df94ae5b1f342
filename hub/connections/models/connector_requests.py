"""Requests of tenants for connectors that do not exist yet."""

from django.db import models

from hub.db.ids import uuid7
from tenants.models import Tenant
from tenants.scoping import Scoped


class ConnectorRequest(Scoped):
    """A tenant's request for a system; at most one per tenant and system."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="connector_requests")
    # the key of a connector, or the requested name as one word
    system = models.CharField(max_length=60)
    name = models.CharField(max_length=60)  # as the tenant wrote it
    asker = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    class Meta(Scoped.Meta):
        verbose_name, verbose_name_plural = "request for a system", "requests for systems"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "system"), name="one_wish_a_system"),
        )
        indexes = (models.Index(fields=("system",), name="wishes_by_system"),)

    def __str__(self) -> str:
        return self.name
