"""Our application hears of a notice as of any event: by a route, over its own connection."""

from datetime import datetime
from typing import Any

from django.db import transaction

from hub.notices.models import Notice
from hub.outgoing.intake.publish import publish

NOTICES_PER_RUN = 100
SOURCE = "hub"


def publish_notices(*, now: datetime) -> None:
    """Each once: the mark and the event are one transaction."""
    notices = (
        Notice.unscoped.filter(event_pending=True)
        .select_related("tenant", "connection")
        .order_by("id")
    )
    for notice in notices[:NOTICES_PER_RUN]:
        with transaction.atomic():
            if Notice.unscoped.filter(pk=notice.pk, event_pending=True).update(event_pending=False):
                publish(
                    notice.tenant,
                    f"connection.{notice.kind}",
                    build_notice_data(notice),
                    id=notice.key,
                    source=SOURCE,
                    now=now,
                )


def build_notice_data(notice: Notice) -> dict[str, Any]:
    connection = notice.connection
    return {
        "connection": str(connection.public_id),
        "connector": connection.connector_key,
        "name": connection.name,
        "account": connection.account,
        "kind": notice.kind,
        "reason": notice.reason,
        "sentence": notice.sentence,
        "at": notice.created_at.isoformat(),
    }
