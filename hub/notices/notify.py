"""Tell a person once. Joins the caller's transaction; mails and the event for our application follow it."""

from datetime import datetime

from hub import mail
from hub.notices.models import Notice
from hub.queue import wake_up


def create_notice(
    kind: str,
    sentence: str,
    *,
    about: str,
    now: datetime,
    tenant_id: int | None = None,
    connection_id: int | None = None,
    reason: str = "",
) -> None:
    """`about` says what happened, so that the same kind about the same is told only once."""
    is_for_tenant = tenant_id is not None and connection_id is not None
    notice = Notice(
        key=f"{kind}:{about}"[:120],
        kind=kind,
        sentence=sentence[:500],
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


def resolve_notices(kind: str, *, connection_id: int, now: datetime) -> None:
    """Its cause is gone: nobody is reminded any more, nor told what is true no longer."""
    notices = Notice.unscoped.filter(connection=connection_id, kind=kind, resolved_at=None)
    mail.withdraw_mails(*(notice.mail_reference for notice in notices))
    notices.update(resolved_at=now, next_mail_at=None)
