"""Mail a notice to the people it concerns: once a turn, and reminders while nobody mends it."""

from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from hub import mail
from hub.notices.models import MailChoice, Notice
from hub.words import NOTICES
from tenants.models import Membership, User

REMINDERS = (timedelta(days=1), timedelta(days=3), timedelta(days=7))  # after the notice; then it is quiet
REMINDED = {"needs_reconnect"}
WORTH = timedelta(days=1)  # trying to tell it; then the next reminder does


def due(*, now: datetime) -> QuerySet[Notice]:
    return Notice.unscoped.filter(tell_at__lte=now).order_by("tell_at")


@transaction.atomic
def tell(notice: Notice, *, now: datetime) -> None:
    """Every mail of this turn, and when the next turn is."""
    mine = Notice.unscoped.filter(pk=notice.pk, tell_at=notice.tell_at)
    if not mine.update(tell_at=next_turn(notice), turn=notice.turn + 1):
        return  # another worker tells it, or its cause is gone meanwhile
    told = {"about": notice.mailed_as, "until": now + WORTH, "now": now}
    with suppress(mail.NotSetUp):  # then the pages tell it alone
        for user in audience(notice):
            mail.send(user.email, "mail/notice.txt", context(notice), **told)


def next_turn(notice: Notice) -> datetime | None:
    reminders = REMINDERS if notice.kind in REMINDED else ()
    return notice.created_at + reminders[notice.turn] if notice.turn < len(reminders) else None


def audience(notice: Notice) -> list[User]:
    """Who connected the account, and the owners; as far as they want mails of this kind."""
    concerned = Q(role=Membership.Role.OWNER)
    if notice.connection and notice.connection.connected_by_id:
        concerned |= Q(user=notice.connection.connected_by_id)
    members = Membership.unscoped.filter(concerned, tenant=notice.tenant, user__is_active=True)
    chosen = dict(
        MailChoice.unscoped.filter(kind=notice.kind, membership__in=members).values_list("membership", "wanted")
    )
    usual = NOTICES[notice.kind].mailed
    return [member.user for member in members.select_related("user") if chosen.get(member.pk, usual)]


def context(notice: Notice) -> dict[str, object]:
    return {
        "heading": NOTICES[notice.kind].label,
        "sentence": notice.sentence,
        "todo": NOTICES[notice.kind].todo,
        "tenant": notice.tenant.name,
        "connection": notice.connection.name,
        "reminder": notice.turn > 0,
        "since": f"{notice.created_at:%Y-%m-%d %H:%M} UTC",
        "link": mail.link(notice.path),
    }
