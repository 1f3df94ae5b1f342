"""Tell a person once. Joins the caller's transaction."""

from datetime import datetime

from hub.notices.models import Notice


def notify(
    kind: str,
    sentence: str,
    *,
    about: str,
    now: datetime,
    tenant_id: int | None = None,
    connection_id: int | None = None,
) -> None:
    """`about` says what happened, so that the same kind about the same is told only once."""
    notice = Notice(
        key=f"{kind}:{about}"[:120],
        kind=kind,
        sentence=sentence[:500],
        tenant_id=tenant_id,
        connection_id=connection_id,
        created_at=now,
    )
    Notice.unscoped.bulk_create([notice], ignore_conflicts=True)
