"""Mail a notice to the people it concerns: once a turn, and reminders while nobody mends it."""

from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from hub import mail
from hub.notices.models import ConnectionMailPreference, MailPreference, Notice
from hub.words import NOTICES
from tenants.models import Membership

REMINDERS = (timedelta(days=1), timedelta(days=3), timedelta(days=7))  # after the notice; then it is quiet
REMINDED = {"needs_reconnect"}
WORTH = timedelta(days=1)  # trying to tell it; then the next reminder does


def due(*, now: datetime) -> QuerySet[Notice]:
    return Notice.unscoped.filter(next_mail_at__lte=now).order_by("next_mail_at")


@transaction.atomic
def tell(notice: Notice, *, now: datetime) -> None:
    """Every mail of this turn, and when the next turn is."""
    mine = Notice.unscoped.filter(pk=notice.pk, next_mail_at=notice.next_mail_at)
    if not mine.update(next_mail_at=next_turn(notice), reminder_number=notice.reminder_number + 1):
        return  # another worker tells it, or its cause is gone meanwhile
    with suppress(mail.NotSetUp):  # then the pages tell it alone
        for member in audience(notice):
            if after := when(member, notice, now=now):
                until = max(after, now) + WORTH
                said = context(notice, member)
                mail.send(
                    member.user.email,
                    "mail/notice.txt",
                    said,
                    about=notice.mailed_as,
                    after=after,
                    until=until,
                    now=now,
                )


def when(member: Membership, notice: Notice, *, now: datetime) -> datetime | None:
    """What can wait does so until quiet hours end; None where the daily mail tells it."""
    hours = getattr(member, "quiet_hours", None)
    if hours is None or not NOTICES[notice.kind].can_wait:
        return now
    return None if hours.digest else hours.quiet_end(now=now) or now


def next_turn(notice: Notice) -> datetime | None:
    reminders = REMINDERS if notice.kind in REMINDED else ()
    return notice.created_at + reminders[notice.reminder_number] if notice.reminder_number < len(reminders) else None


def audience(notice: Notice) -> list[Membership]:
    """Who connected the account, the owners, and who asked for it; as far as they want mails of this kind."""
    here = ConnectionMailPreference.unscoped.filter(connection=notice.connection_id, kind=notice.kind)
    concerned = Q(role=Membership.Role.OWNER) | Q(pk__in=here.filter(enabled=True).values("membership"))
    if notice.connection and notice.connection.connected_by_id:
        concerned |= Q(user=notice.connection.connected_by_id)
    members = Membership.unscoped.filter(concerned, tenant=notice.tenant, user__is_active=True)
    chosen = dict(
        MailPreference.unscoped.filter(kind=notice.kind, membership__in=members).values_list("membership", "enabled")
    )
    chosen |= dict(here.values_list("membership", "enabled"))
    usual = NOTICES[notice.kind].mailed
    rows = members.select_related("user", "tenant", "quiet_hours__membership__tenant")
    return [member for member in rows if chosen.get(member.pk, usual)]


def context(notice: Notice, member: Membership) -> dict[str, object]:
    asked = member.role != Membership.Role.OWNER and member.user_id != notice.connection.connected_by_id
    return {
        "asked": asked,
        "heading": NOTICES[notice.kind].label,
        "sentence": notice.sentence,
        "todo": NOTICES[notice.kind].todo,
        "tenant": notice.tenant.name,
        "connection": str(notice.connection),
        "reminder": notice.reminder_number > 0,
        "since": f"{notice.created_at:%Y-%m-%d %H:%M} UTC",
        "link": mail.link(notice.path),
    }
