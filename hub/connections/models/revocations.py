"""Tokens that are to be revoked by the system that issued them."""

from typing import Any

from django.db import models

from hub.connections.models.connections import Connection, validate_connector_key
from hub.crypto.sealed import SealedField
from hub.db.ids import uuid7
from tenants.models import Tenant
from tenants.scoping import Scoped


class Revocation(Scoped):
    """Tokens that are not needed any more, stored until they are revoked at their system."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="revocations")
    connector_key = models.CharField(max_length=40, validators=[validate_connector_key])
    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, null=True, blank=True, related_name="revocations"
    )
    account = models.CharField(max_length=200, blank=True)
    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    sealed = SealedField()
    attempt_count = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_index=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"revocation at {self.connector_key} for {self.tenant}"

    @property
    def binding(self) -> str:
        return f"revocation:{self.public_id}"

    def open(self) -> dict[str, Any]:
        return self.sealed.open(self.binding)
