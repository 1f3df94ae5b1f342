"""Who did what, to what, and why: rows that are only ever added, each sealed to the one before it.

There is a chain per tenant, and one for the platform. Whoever writes holds the head of the chain until the
transaction ends: people act rarely, so nobody waits, and nothing on the hot paths writes here.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NoReturn, Self

from django.db import models, transaction

from hub.crypto.redaction import MASK, redact_excerpt, shorten
from hub.crypto.sealed import Sealed, fingerprint

PLATFORM = "platform"
FORMER_LABELS = {  # models that had another name: their rows keep it, as it is part of what is hashed
    "connections.ConnectorRequest": "connections.Wish",
    "connections.KillSwitch": "connections.Switch",
    "throttle.QuotaState": "throttle.Scope",
}
MAX_TEXT_LENGTH = 2000  # characters of one text in before and after
SECRET_NAME_PATTERN = re.compile(
    r"secret|passw|(token|(api|private|signing)_?key|credentials?|assertion|authorization|cookie)(?![a-z_])",
    re.I,
)


class AppendOnly(Exception):
    def __init__(self) -> None:
        super().__init__("An audit row is never changed and never deleted.")


@dataclass(frozen=True)
class Actor:
    kind: str
    id: str
    label: str
    acting_for: str = ""

    @classmethod
    def of_user(cls, user: Any) -> Self:
        return cls("user", str(user.pk), user.email)

    @classmethod
    def of_key(cls, api_key: Any) -> Self:
        return cls("api_key", api_key.prefix, api_key.name)

    def on_behalf_of(self, user: Any) -> Self:
        return replace(self, acting_for=user.email)


SYSTEM = Actor("system", "", "the hub")


@dataclass(frozen=True)
class ActorContext:
    """Who does it, and from where. The rooms add what else their verbs ask of whoever acts."""

    actor: Actor
    request_id: str = field(default="", kw_only=True)
    ip: str = field(default="", kw_only=True)

    @classmethod
    def of(cls, request: Any, actor: Actor, **fields: Any) -> Self:
        """Of whoever sent the request."""
        origin = {
            "request_id": getattr(request, "request_id", ""),
            "ip": request.META.get("REMOTE_ADDR", ""),
        }
        return cls(actor, **fields, **origin)

    @property
    def audit_fields(self) -> dict[str, Any]:
        """For `record()`."""
        return {"actor": self.actor, "request_id": self.request_id, "ip": self.ip}


class AuditRowQuerySet(models.QuerySet["AuditRow"]):
    def refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly

    update = delete = bulk_update = bulk_create = refuse


class AuditRow(models.Model):
    """One act. It names its tenant by id and reference, so that it outlives the tenant."""

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


class AuditHead(models.Model):
    """Where a chain ends: whoever adds to it locks this row, and a chain that lost its end does not reach it."""

    chain = models.CharField(max_length=40, primary_key=True)
    number = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"{self.chain} {self.number}"


@transaction.atomic
def record(
    *,
    actor: Actor,
    verb: str,
    obj: models.Model,
    now: datetime,
    tenant: Any = None,
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    request_id: str = "",
    ip: str = "",
) -> AuditRow:
    """Joins the transaction of what it tells of: both happened, or neither."""
    audit_row = AuditRow(
        at=now,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_label=shorten(actor.label, 200),
        acting_for=shorten(actor.acting_for, 200),
        tenant=tenant.public_id if tenant else None,
        tenant_reference=tenant.reference if tenant else "",
        verb=verb,
        object_label=obj._meta.label,
        object_id=_object_id(obj),
        reason=shorten(redact_excerpt(reason, 501), 500),
        before=_audit_value(before),
        after=_audit_value(after),
        request_id=shorten(request_id, 100),
        ip=shorten(ip, 45),
    )
    append_to_chain(audit_row)
    return audit_row


def find_audit_rows(obj: models.Model) -> models.QuerySet[AuditRow]:
    """What was done to it."""
    label = obj._meta.label
    return AuditRow.objects.filter(
        object_label__in=(label, FORMER_LABELS.get(label, label)), object_id=_object_id(obj)
    )


def _object_id(obj: models.Model) -> str:
    return str(getattr(obj, "public_id", obj.pk))


def append_to_chain(audit_row: AuditRow) -> None:
    """To the end of its chain, which is ours until the transaction ends."""
    chain = str(audit_row.tenant or PLATFORM)
    head, _ = AuditHead.objects.select_for_update().get_or_create(chain=chain)
    audit_row.chain, audit_row.number, audit_row.previous = chain, head.number + 1, head.hash
    audit_row.hash = audit_row.compute_hash()
    audit_row.save()
    head.number, head.hash = audit_row.number, audit_row.hash
    head.save()


def _audit_value(value: Any, path: str = "") -> Any:
    """A value as it may be told: secrets as fingerprints, texts cut and harmless, and JSON that stays what it is."""
    match value:
        case None | bool() | "":
            return value
        case Mapping():
            return {
                shorten(str(key), 100): _audit_value(inner, f"{path}.{key}")
                for key, inner in value.items()
            }
        case list() | tuple() | set() | frozenset():
            return [_audit_value(inner, path) for inner in value]
        case Sealed():
            return f"{MASK} {value.fingerprint}"
        case _ if SECRET_NAME_PATTERN.search(path):
            return f"{MASK} {fingerprint(str(value))}"
        case int():
            return value
    return shorten(redact_excerpt(str(value), MAX_TEXT_LENGTH + 1), MAX_TEXT_LENGTH)


def find_broken_link(chain: str) -> str:
    """The first thing wrong with a chain, in words; empty where every row is what was written, and none is missing."""
    previous, number = "", 0
    for audit_row in AuditRow.objects.filter(chain=chain).order_by("number").iterator():
        number += 1
        if audit_row.number != number:
            return f"row {number} is missing"
        if audit_row.previous != previous or audit_row.hash != audit_row.compute_hash():
            return f"row {number} was changed"
        previous = audit_row.hash
    head = AuditHead.objects.filter(chain=chain).first() or AuditHead(chain=chain)
    return (
        ""
        if (head.number, head.hash) == (number, previous)
        else f"what followed row {number} is missing"
    )
