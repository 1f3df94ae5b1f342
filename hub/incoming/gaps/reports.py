"""Tell of gaps: events for our application, and a notice where a person may have to act.

All of this joins the transaction that changes the gap.
"""

from datetime import UTC, datetime
from typing import Any

from django.utils.translation import override

from hub.incoming.gaps.gap_texts import describe_gap_fully, explain_gap
from hub.incoming.models import InboundGap
from hub.notices.notify import create_notice, resolve_notices
from hub.outgoing.intake.publish import publish
from hub.reason_codes import GAP_REASONS

OPENED, CLOSED = "source.gap_opened", "source.gap_closed"
HUB = "hub"  # the source of the events
NOTICE_KIND = "source_gap"
HELD_MESSAGE = "source_gap_held"
INCOMPLETE_MESSAGE = "source_gap_incomplete"
LASTING_MESSAGE = "source_gap_lasting"


def report_opening(gap: InboundGap, *, now: datetime) -> None:
    """Publish that a gap was opened, and notify people of one that waits for them."""
    _publish(gap, OPENED, now=now)
    if gap.state == "held":
        _create_gap_notice(gap, NOTICE_KIND, HELD_MESSAGE, gap.reason, now=now)


def report_end(gap: InboundGap, *, now: datetime) -> None:
    """Publish how a gap has ended, take its notices back, and notify people if it is incomplete."""
    _publish(gap, CLOSED, now=now)
    resolve_gap_notices(gap, now=now)
    if gap.state == "incomplete":
        reason = gap.reason if gap.reason in GAP_REASONS else ""
        _create_gap_notice(gap, NOTICE_KIND, INCOMPLETE_MESSAGE, reason, now=now)


def notify_lasting_gap(gap: InboundGap, *, now: datetime) -> None:
    """Notify people of a gap whose cause lasts."""
    since = f"{gap.from_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    _create_gap_notice(gap, NOTICE_KIND, LASTING_MESSAGE, gap.cause, now=now, since=since)


def resolve_gap_notices(gap: InboundGap, *, now: datetime) -> None:
    """Take back the notices of a gap, as nothing waits for a person any more."""
    resolve_notices(
        NOTICE_KIND, connection_id=gap.connection_id, occurrence=str(gap.public_id), now=now
    )


def _create_gap_notice(
    gap: InboundGap, kind: str, message: str, reason: str, *, now: datetime, **parameters: str
) -> None:
    connection = gap.connection
    names = {"connection": connection.name, "system": str(connection.connector.label)}
    create_notice(
        kind,
        message,
        {**names, **parameters},
        occurrence=f"{gap.public_id}:{gap.state_changed_at.isoformat()}",  # it may happen again
        tenant_id=gap.tenant_id,
        connection_id=gap.connection_id,
        reason=reason,
        now=now,
    )


def build_gap_data(gap: InboundGap, *, now: datetime) -> dict[str, Any]:
    """Return what events and the API say of a gap; texts in the active language."""
    missing = {"from": _format(gap.missing_from), "to": _format(gap.missing_to)}
    return {
        "gap": str(gap.public_id),
        "source": str(gap.source.public_id),
        "connection": str(gap.connection.public_id),
        "connector": gap.connection.connector_key,
        "object": gap.source.object,
        "cause": gap.cause,
        "reason": gap.reason,
        "state": gap.state,
        "from": _format(gap.from_at),
        "to": _format(gap.to_at),
        "counts": {
            "read": gap.read_count,
            "known": gap.known_count,
            "new": gap.new_count,
            "deleted": gap.deleted_count,
            "unreadable": gap.unreadable_count,
        },
        "missing": missing if gap.missing_from else None,
        "sentence": describe_gap_fully(gap, now=now),
        "action": explain_gap(gap).action,
    }


def _publish(gap: InboundGap, type: str, *, now: datetime) -> None:
    with override("en"):
        data = build_gap_data(gap, now=now)
    id = f"{type}:{gap.public_id}:{gap.state_changed_at.isoformat()}"
    publish(gap.tenant, type, data, id=id, source=HUB, now=now)


def _format(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None
