"""Append audit rows. Only service modules import this: `.importlinter` names them.

There is one chain per tenant and one for the platform. A writer locks the head of the chain until
its transaction ends: people act rarely, so waiting is short, and nothing on the hot paths writes
here.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.db import models, transaction
from django.utils import translation

from hub.audit.actor import Actor
from hub.audit.heads import TOTAL, AuditHead, find_last_row
from hub.audit.models import PLATFORM, AuditRow, audited_object_id
from hub.crypto.redaction import MASK, redact_excerpt, shorten
from hub.crypto.sealed import Sealed, fingerprint

MAX_TEXT_LENGTH = 2000  # characters of one text in before and after
SECRET_NAME_PATTERN = re.compile(
    r"secret|passw"
    r"|(token|(api|private|signing)_?key|credentials?|assertion|authorization|cookie)(?![a-z_])",
    re.I,
)


class TenantRow(Protocol):
    """A tenant, as an audit row names it."""

    @property
    def public_id(self) -> UUID: ...

    @property
    def reference(self) -> str: ...


@transaction.atomic
def record(
    *,
    actor: Actor,
    verb: str,
    obj: models.Model,
    now: datetime,
    tenant: TenantRow | None = None,
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    request_id: str = "",
    ip: str = "",
) -> AuditRow:
    """Append one row to the chain of the tenant or the platform, in the change's transaction."""
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
        object_id=audited_object_id(obj),
        reason=shorten(redact_excerpt(reason, 501), 500),
        **_build_changes(before, after),
        request_id=shorten(request_id, 100),
        ip=shorten(ip, 45),
    )
    append_to_chain(audit_row)
    return audit_row


def append_to_chain(audit_row: AuditRow) -> None:
    """Append the row to its chain, whose head stays locked until the transaction ends.

    A chain whose head was deleted outside the product goes on behind its last row, and its new head
    says so for good.
    """
    chain = str(audit_row.tenant or PLATFORM)
    head, is_new = AuditHead.lock(chain)
    if is_new and (last := find_last_row(chain)).number:
        head.replace(last._replace(doubtful=last.number + 1))
    elif is_new:
        total, _ = AuditHead.lock(TOTAL)
        total.advance(total.number + 1, "")
    audit_row.chain, audit_row.number, audit_row.previous = chain, head.number + 1, head.hash
    audit_row.hash = audit_row.compute_hash()
    audit_row.save()
    head.advance(audit_row.number, audit_row.hash)


def _build_changes(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return both columns as JSON, with names in English, not in the actor's language."""
    with translation.override(None):
        return {"before": _audit_value(before), "after": _audit_value(after)}


def _audit_value(value: Any, path: str = "") -> Any:
    """Return a JSON value without secrets: fingerprints instead; texts redacted and shortened."""
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
