"""Tell a person once. Joins the caller's transaction; mails and the event for our application follow it."""

from datetime import datetime

from hub import mail
from hub.notices.models import Notice
from hub.queue import ring


def notify(
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
    of_a_tenant = tenant_id is not None and connection_id is not None
    notice = Notice(
        key=f"{kind}:{about}"[:120],
        kind=kind,
        sentence=sentence[:500],
        reason=reason[:60],
        tenant_id=tenant_id,
        connection_id=connection_id,
        created_at=now,
        next_mail_at=now if of_a_tenant else None,
        event_pending=of_a_tenant,
    )
    Notice.unscoped.bulk_create([notice], ignore_conflicts=True)
    if of_a_tenant:
        ring("tell", now=now)


def resolve(kind: str, *, connection_id: int, now: datetime) -> None:
    """Its cause is gone: nobody is reminded any more, nor told what is true no longer."""
    rows = Notice.unscoped.filter(connection=connection_id, kind=kind, resolved_at=None)
    mail.withdraw(*(notice.mailed_as for notice in rows))
    rows.update(resolved_at=now, next_mail_at=None)
