"""One mail a day that tells together what can wait, to who wants it so; nothing where there is nothing to tell."""

from contextlib import suppress
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from hub import mail
from hub.notices.models import SETTLED, Notice, QuietHours
from hub.notices.post import audience
from hub.words import NOTICES

TOLD_MOST = 50  # notices of one mail; beyond that the pages tell


def due(*, now: datetime) -> QuerySet[QuietHours]:
    return QuietHours.unscoped.filter(digest_at__lte=now).order_by("digest_at")


@transaction.atomic
def tell(hours: QuietHours, *, now: datetime) -> None:
    """What happened since the last one, and is still so; and when the next one is."""
    mine = QuietHours.unscoped.filter(pk=hours.pk, digest_at=hours.digest_at)
    if not mine.update(digest_at=hours.next_digest(now=now), digested_at=now - SETTLED):
        return  # another worker tells it, or the member chose anew meanwhile
    notices = [notice for notice in waiting(hours, until=now - SETTLED) if hours.membership in audience(notice)]
    if notices:
        with suppress(mail.NotSetUp):  # then the pages tell it alone
            member = hours.membership
            mail.send(
                member.user.email, "mail/digest.txt", context(hours, notices), after=hours.quiet_end(now=now), now=now
            )


def waiting(hours: QuietHours, *, until: datetime) -> QuerySet[Notice]:
    kinds = [kind for kind, entry in NOTICES.items() if entry.can_wait]
    rows = Notice.objects.of(hours.membership.tenant).filter(kind__in=kinds, resolved_at=None, created_at__lt=until)
    rows = rows.filter(created_at__gte=hours.digested_at or until).exclude(connection=None)
    return rows.select_related("tenant", "connection").order_by("created_at")[:TOLD_MOST]


def context(hours: QuietHours, notices: list[Notice]) -> dict[str, object]:
    return {
        "tenant": hours.membership.tenant.name,
        "count": len(notices),
        "lines": [
            {
                "sentence": " ".join(notice.sentence.split()),
                "at": f"{notice.created_at.astimezone(hours.zone):%Y-%m-%d %H:%M %Z}",
                "link": mail.link(notice.path),
                "todo": NOTICES[notice.kind].todo,
            }
            for notice in notices
        ],
    }
