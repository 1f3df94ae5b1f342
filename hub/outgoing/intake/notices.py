"""Notices as events: our own application receives notices by a route, over its connection."""

from datetime import datetime
from typing import Any

from django.db import transaction

from hub.notices.models import Notice
from hub.outgoing.intake.publish import publish

NOTICES_PER_RUN = 100
SOURCE = "hub"


def publish_notices(*, now: datetime) -> None:
    """Publish each pending notice once: mark and event are written in one transaction."""
    notices = (
        Notice.unscoped.filter(event_pending=True)
        .select_related("tenant", "connection")
        .order_by("id")
    )
    for notice in notices[:NOTICES_PER_RUN]:
        with transaction.atomic():
            if Notice.unscoped.filter(pk=notice.pk, event_pending=True).update(event_pending=False):
                assert notice.tenant is not None
                publish(
                    notice.tenant,
                    f"connection.{notice.kind}",
                    build_notice_data(notice),
                    id=notice.key,
                    source=SOURCE,
                    now=now,
                )


def build_notice_data(notice: Notice) -> dict[str, Any]:
    """Build the data of the event about a notice, which must be about a connection."""
    connection = notice.connection
    assert connection is not None
    return {
        "connection": str(connection.public_id),
        "connector": connection.connector_key,
        "name": connection.name,
        "account": connection.account,
        "kind": notice.kind,
        "reason": notice.reason,
        "sentence": notice.english_sentence,
        "at": notice.created_at.isoformat(),
    }
