"""Store the findings of a check, resolve those that it did not find again, and notify once."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, Subquery

from hub.connections.models import Connection
from hub.drift.comparison import Drift
from hub.drift.models import DriftFinding
from hub.notices.notify import create_notice, resolve_notices

NOTICE_KIND = "schema_drift"
NAMES_IN_NOTICE = 3
MAX_KEY_LENGTH, MAX_LABEL_LENGTH, MAX_TEXT_LENGTH = 200, 200, 255

FindingKey = tuple[str, str, str]


def store_findings(
    connection: Connection,
    object_key: str,
    object_label: str,
    drifts: Sequence[Drift],
    *,
    now: datetime,
) -> None:
    """Create, update and resolve the findings of one object, in the caller's transaction."""
    stored = DriftFinding.unscoped.filter(
        connection=connection, object_key=object_key, resolved_at=None
    )
    open_findings = {
        _build_finding_key(row.field_key, row.change, row.before): row for row in stored
    }
    for drift in drifts:
        key = drift.field_key[:MAX_KEY_LENGTH]
        finding = open_findings.pop(_build_finding_key(key, drift.change, drift.before), None)
        if finding is None:
            finding = DriftFinding(
                connection=connection,
                object_key=object_key,
                field_key=key,
                first_seen_at=now,
            )
        finding.object_label = object_label[:MAX_LABEL_LENGTH]
        _describe_drift(finding, drift, now=now)
        _notify_once(finding, now=now)
        finding.save()
    resolve_findings(open_findings.values(), now=now)


def count_open_findings() -> Subquery:
    """Build a subquery that counts a connection's open findings; null if there are none."""
    findings = DriftFinding.unscoped.filter(connection=OuterRef("pk"), resolved_at=None)
    return Subquery(
        findings.order_by().values("connection").annotate(count=Count("pk")).values("count")
    )


def resolve_findings(findings: Iterable[DriftFinding], *, now: datetime) -> None:
    """Mark findings as resolved, and withdraw their notices."""
    for finding in findings:
        finding.resolved_at = now
        finding.save(update_fields=["resolved_at"])
        resolve_notices(
            NOTICE_KIND,
            connection_id=finding.connection_id,
            occurrence=str(finding.public_id),
            now=now,
        )


def _build_finding_key(field_key: str, change: str, before: str) -> FindingKey:
    """Return the key that identifies a finding among the open ones of an object."""
    is_gone = change in DriftFinding.GONE
    return field_key, "gone" if is_gone else change, before[:MAX_TEXT_LENGTH]


def _describe_drift(finding: DriftFinding, drift: Drift, *, now: datetime) -> None:
    finding.change = drift.change
    finding.field_label = drift.field_label[:MAX_LABEL_LENGTH]
    finding.before = drift.before[:MAX_TEXT_LENGTH]
    finding.after = drift.after[:MAX_TEXT_LENGTH]
    finding.breaks = [use.describe(drift.field_key) for use in drift.uses]
    finding.last_seen_at = now


def _notify_once(finding: DriftFinding, *, now: datetime) -> None:
    """Notify the tenant's people of a finding that breaks an enabled route or job."""
    if finding.noticed_at is not None or not finding.enabled_breaks:
        return
    finding.noticed_at = now
    match finding.change:
        case DriftFinding.Change.RENAMED:
            message = "schema_drift_renamed"
        case DriftFinding.Change.REMOVED:
            message = "schema_drift_removed"
        case DriftFinding.Change.RETYPED:
            message = "schema_drift_retyped"
        case DriftFinding.Change.NEWLY_REQUIRED:
            message = "schema_drift_newly_required"
        case DriftFinding.Change.OBJECT_REMOVED:
            message = "schema_drift_object_removed"
        case _:
            message = "schema_drift_picklist_value_gone"
    create_notice(
        NOTICE_KIND,
        message,
        build_notice_parameters(finding),
        occurrence=str(finding.public_id),
        tenant_id=finding.connection.tenant_id,
        connection_id=finding.connection_id,
        now=now,
    )


def build_notice_parameters(finding: DriftFinding) -> dict[str, Any]:
    return {
        "connection": finding.connection.name,
        "object": finding.object_label,
        "field": finding.field_label or finding.field_key,
        "before": finding.before,
        "after": finding.after,
        "uses": list_names(finding.enabled_breaks),
    }


def list_names(breaks: Sequence[dict[str, Any]]) -> str:
    """Join the first names, followed by the number of the others."""
    names = list(dict.fromkeys(f"“{entry['name']}”" for entry in breaks))
    more = len(names) - NAMES_IN_NOTICE
    return ", ".join(names[:NAMES_IN_NOTICE]) + (f" (+{more})" if more > 0 else "")
