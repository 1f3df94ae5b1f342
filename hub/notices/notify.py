"""Create and resolve notices in the caller's transaction.

A task then sends the mails and the event for our application.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Q

from hub import mail
from hub.notices.models import Notice
from hub.queue import wake_up


def create_notice(
    kind: str,
    message: str,
    parameters: Mapping[str, str | int],
    *,
    occurrence: str,
    now: datetime,
    tenant_id: int | None = None,
    connection_id: int | None = None,
    reason: str = "",
) -> None:
    """Create a notice about an occurrence, once, and schedule its mails and its event.

    message: a key of `NOTICE_MESSAGES`, translated with its parameters when it is shown or mailed.
    occurrence: its name; a second notice of the same kind about the same occurrence is ignored.
    """
    is_for_tenant = tenant_id is not None and connection_id is not None
    notice = Notice(
        key=f"{kind}:{occurrence}"[:120],
        kind=kind,
        message=message,
        parameters=dict(parameters),
        reason=reason[:60],
        tenant_id=tenant_id,
        connection_id=connection_id,
        created_at=now,
        next_mail_at=now if is_for_tenant else None,
        event_pending=is_for_tenant,
    )
    Notice.unscoped.bulk_create([notice], ignore_conflicts=True)
    if is_for_tenant:
        wake_up("tell", now=now)


def resolve_notices(
    kind: str, *, connection_id: int | None, now: datetime, occurrence: str = ""
) -> None:
    """Mark notices of this kind resolved: unsent mails are withdrawn and reminders end.

    connection_id: None for a notice to staff. occurrence: only the notices about this occurrence,
    also those of its parts, whose names begin with it and a colon.
    """
    notices = Notice.unscoped.filter(connection=connection_id, kind=kind, resolved_at=None)
    if occurrence:
        key = f"{kind}:{occurrence}"[:120]
        notices = notices.filter(Q(key=key) | Q(key__startswith=f"{key}:"))
    mail.withdraw_mails(*(notice.mail_reference for notice in notices))
    notices.update(resolved_at=now, next_mail_at=None)
