"""What staff can do with a notice."""

from datetime import datetime

from hub.actions import FOR_STAFF, Action, declare_actions
from hub.audit import ActorContext
from hub.notices.models import Notice


def mark_as_read(notice: Notice, actor: ActorContext, *, now: datetime) -> None:
    Notice.unscoped.filter(pk=notice.pk, seen_at=None).update(seen_at=now)
    actor.audit("notice.see", notice, after={"seen": True}, now=now)


NOTICE_ACTIONS = declare_actions(
    Action[Notice](
        name="see",
        label="Mark as read",
        question="It is then no longer listed as new.",
        success="Noted.",
        run=mark_as_read,
        is_available=lambda notice: notice.seen_at is None,
        icon="visibility",
        tone="primary",
        withheld=FOR_STAFF,
    ),
)
