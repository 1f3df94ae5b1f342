"""What tenants would like to connect and cannot yet."""

from django.db import models

from hub.db.ids import uuid7
from tenants.models import Tenant
from tenants.scoping import Scoped


class ConnectorRequest(Scoped):
    """One tenant asks for one system: the same again asks for nothing more."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="connector_requests")
    system = models.CharField(
        max_length=60
    )  # the key of a connector, or what people call it, as one word
    name = models.CharField(max_length=60)  # as it was asked for
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
