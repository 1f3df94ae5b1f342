"""Mail a notice to the people it concerns: each once a turn, and reminders while nobody mends it.

A mail that a server refused goes again; one that was on its way when this process died is taken as sent.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from hub import mail
from hub.notices.models import MailChoice, Notice, Telling
from hub.words import NOTICES
from tenants.models import Membership, User

Send = Callable[[str, str, dict[str, object]], None]  # as hub.mail.send

REMINDERS = (timedelta(days=1), timedelta(days=3), timedelta(days=7))  # after the notice; then it is quiet
REMINDED = {"needs_reconnect"}
CLAIM = timedelta(minutes=2)  # as long as one notice's mails may take
REFUSED_MOST = 2  # then the server is left alone for a while: each refusal may take seconds
AGAIN, GIVEN_UP = timedelta(minutes=5), timedelta(days=1)  # for a mail server that refuses


def due(*, now: datetime) -> QuerySet[Notice]:
    return Notice.unscoped.filter(tell_at__lte=now).order_by("tell_at")


def tell(notice: Notice, *, send: Send, now: datetime) -> None:
    """Every mail of this turn, and when the next turn is. No transaction is open here."""
    if not rows(notice).update(tell_at=now + CLAIM):
        return  # another worker tells it
    notice.tell_at = now + CLAIM
    refused = 0
    for user in audience(notice):
        if refused < REFUSED_MOST:
            refused += not mailed(notice, user, send=send, now=now)
    if not refused or now - notice.created_at > GIVEN_UP * (notice.turn + 1):
        rows(notice).update(tell_at=next_turn(notice), turn=notice.turn + 1)
    else:
        rows(notice).update(tell_at=now + AGAIN)


def rows(notice: Notice) -> QuerySet[Notice]:
    """None where it was resolved, or taken by another, meanwhile."""
    return Notice.unscoped.filter(pk=notice.pk, tell_at=notice.tell_at)


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


def mailed(notice: Notice, user: User, *, send: Send, now: datetime) -> bool:
    telling, new = Telling.unscoped.get_or_create(notice=notice, user=user, turn=notice.turn, defaults={"at": now})
    if not new:
        return True
    try:
        send(user.email, "mail/notice.txt", context(notice))
    except mail.NotSent:
        telling.delete()
        return not settings.HUB_EMAIL_URL  # without mail there is nothing to try again
    return True


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
