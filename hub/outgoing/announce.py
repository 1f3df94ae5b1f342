"""Our application hears of a notice as of any event: by a route, over its own connection."""

from datetime import datetime
from typing import Any

from django.db import transaction

from hub.notices.models import Notice
from hub.outgoing.publish import publish

AT_ONCE = 100
SOURCE = "hub"


def announce(*, now: datetime) -> None:
    """Each once: the mark and the event are one transaction."""
    rows = Notice.unscoped.filter(event_pending=True).select_related("tenant", "connection").order_by("id")
    for notice in rows[:AT_ONCE]:
        with transaction.atomic():
            if Notice.unscoped.filter(pk=notice.pk, event_pending=True).update(event_pending=False):
                publish(notice.tenant, f"connection.{notice.kind}", told(notice), id=notice.key, source=SOURCE, now=now)


def told(notice: Notice) -> dict[str, Any]:
    row = notice.connection
    return {
        "connection": str(row.public_id),
        "connector": row.connector_key,
        "name": row.name,
        "account": row.account,
        "kind": notice.kind,
        "reason": notice.reason,
        "sentence": notice.sentence,
        "at": notice.created_at.isoformat(),
    }
