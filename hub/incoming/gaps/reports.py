"""Tell of gaps: events for our application, and a notice where a person may have to act.

All of this joins the transaction that changes the gap.
"""

from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import override

from hub.incoming.models import InboundGap
from hub.notices.notify import create_notice, resolve_notices
from hub.number_texts import format_whole
from hub.outgoing.intake.publish import publish
from hub.reason_codes import GAP_REASONS

OPENED, CLOSED = "source.gap_opened", "source.gap_closed"
HUB = "hub"  # the source of the events
NOTICE_KIND = "source_gap"
NOTICE_MESSAGES = {"held": "source_gap_held", "incomplete": "source_gap_incomplete"}


def report_opening(gap: InboundGap, *, now: datetime) -> None:
    """Publish that a gap was opened."""
    _publish(gap, OPENED, now=now)
    notify_gap(gap, now=now)


def report_end(gap: InboundGap, *, now: datetime) -> None:
    """Publish how a gap has ended, and take its notice back unless something is missing."""
    _publish(gap, CLOSED, now=now)
    resolve_notices(
        NOTICE_KIND, connection_id=gap.connection_id, occurrence=str(gap.public_id), now=now
    )
    notify_gap(gap, now=now)


def notify_gap(gap: InboundGap, *, now: datetime) -> None:
    """Notify the tenant's people of a gap that waits for them, or was not read completely."""
    if gap.state not in NOTICE_MESSAGES:
        return
    connection = gap.connection
    create_notice(
        NOTICE_KIND,
        NOTICE_MESSAGES[gap.state],
        {"connection": connection.name, "system": str(connection.connector.label)},
        occurrence=f"{gap.public_id}:{gap.state_changed_at.isoformat()}",  # it may happen again
        tenant_id=gap.tenant_id,
        connection_id=gap.connection_id,
        reason=gap.reason if gap.reason in GAP_REASONS else "",
        now=now,
    )


def describe_counts(gap: InboundGap) -> str:
    """Return what the read of a gap found."""
    counts = {"read": gap.read_count, "known": gap.known_count, "new": gap.new_count}
    text = _("read %(read)s, known %(known)s, new %(new)s")
    return text % {name: format_whole(count) for name, count in counts.items()}


def build_gap_data(gap: InboundGap) -> dict[str, Any]:
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
        "sentence": f"{gap.get_cause_display()}: {describe_counts(gap)}",
    }


def _publish(gap: InboundGap, type: str, *, now: datetime) -> None:
    with override("en"):
        data = build_gap_data(gap)
    id = f"{type}:{gap.public_id}:{gap.state_changed_at.isoformat()}"
    publish(gap.tenant, type, data, id=id, source=HUB, now=now)


def _format(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None
