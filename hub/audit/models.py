"""Audit rows, which are append-only: each holds the hash of the row before it."""

import hashlib
import json
from datetime import UTC
from typing import Any, NoReturn

from django.db import models

PLATFORM = "platform"  # the chain of what belongs to no tenant
# Models that were renamed: their rows keep the old label, which is part of what is hashed.
FORMER_LABELS = {
    "connections.ConnectorRequest": "connections.Wish",
    "connections.KillSwitch": "connections.Switch",
    "throttle.QuotaState": "throttle.Scope",
}


class AppendOnly(Exception):
    def __init__(self) -> None:
        super().__init__("An audit row is never changed and never deleted.")


class AuditRowQuerySet(models.QuerySet["AuditRow"]):
    def refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly

    update = delete = bulk_update = bulk_create = refuse


class AuditRow(models.Model):
    """One audited action. Stores tenant id and reference, as the tenant may be deleted later."""

    chain = models.CharField(max_length=40)
    number = models.PositiveBigIntegerField()
    at = models.DateTimeField(db_index=True)
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=100, blank=True)
    actor_label = models.CharField(max_length=200)
    acting_for = models.CharField(max_length=200, blank=True)
    tenant = models.UUIDField(null=True, help_text="The public id of the tenant.")
    tenant_reference = models.CharField(max_length=100, blank=True)
    verb = models.CharField(max_length=100)
    object_label = models.CharField(max_length=200)
    object_id = models.CharField(max_length=100)
    reason = models.CharField(max_length=500, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    request_id = models.CharField(max_length=100, blank=True)
    ip = models.CharField("IP address", max_length=45, blank=True)
    previous = models.CharField(
        max_length=64, blank=True, help_text="The hash of the row before it."
    )
    hash = models.CharField(max_length=64, help_text="SHA-256 of all the other fields.")

    objects = AuditRowQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("chain", "number"), name="one_audit_row_per_number"),
        )
        indexes = (
            models.Index(fields=("tenant", "-at"), name="audit_of_a_tenant"),
            models.Index(fields=("object_label", "object_id", "-at"), name="audit_of_an_object"),
            models.Index(fields=("request_id",), name="audit_of_a_request"),
        )

    def __str__(self) -> str:
        return f"{self.verb} by {self.actor_label}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **kwargs | {"force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly

    def compute_hash(self) -> str:
        values = {
            field.name: getattr(self, field.name)
            for field in self._meta.fields
            if field.name not in ("id", "hash")
        }
        values["at"] = self.at.astimezone(UTC).isoformat()
        return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def find_audit_rows(obj: models.Model) -> models.QuerySet[AuditRow]:
    """Return the audit rows of an object, including those under its former model label."""
    label = obj._meta.label
    return AuditRow.objects.filter(
        object_label__in=(label, FORMER_LABELS.get(label, label)), object_id=audited_object_id(obj)
    )


def audited_object_id(obj: models.Model) -> str:
    return str(getattr(obj, "public_id", obj.pk))
