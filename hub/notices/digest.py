"""The daily mail of notices that can wait, for members who chose it; never an empty one."""

from contextlib import suppress
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import translation

from hub import mail
from hub.notices.kinds import NOTICE_KINDS
from hub.notices.mailing import find_recipients
from hub.notices.models import DIGEST_DELAY, Notice, QuietHours

MAX_NOTICES = 50  # notices of one mail; the pages show the rest


def find_due_digests(*, now: datetime) -> QuerySet[QuietHours]:
    return QuietHours.unscoped.filter(digest_at__lte=now).order_by("digest_at")


@transaction.atomic
def mail_digest(hours: QuietHours, *, now: datetime) -> None:
    """Queue one mail of the unresolved notices since the last digest; schedule the next digest."""
    current_row = QuietHours.unscoped.filter(pk=hours.pk, digest_at=hours.digest_at)
    if not current_row.update(digest_at=hours.next_digest(now=now), digested_at=now - DIGEST_DELAY):
        return  # another worker has mailed it, or the member changed the hours meanwhile
    notices = [
        notice
        for notice in find_digest_notices(hours, until=now - DIGEST_DELAY)
        if any(hours.membership in members for members in find_recipients(notice, now=now))
    ]
    if notices:
        language = hours.language or settings.LANGUAGE_CODE
        # without a mail server the pages alone show the notices
        with suppress(mail.MailNotConfigured), translation.override(language):
            mail.queue_mail(
                hours.membership.user.email,
                "mail/digest.txt",
                build_digest_context(hours, notices),
                after=hours.quiet_end(now=now),
                language=language,
                now=now,
            )


def find_digest_notices(hours: QuietHours, *, until: datetime) -> QuerySet[Notice]:
    kinds = [kind for kind, entry in NOTICE_KINDS.items() if entry.can_wait]
    notices = Notice.objects.of(hours.membership.tenant).filter(
        kind__in=kinds, resolved_at=None, created_at__lt=until
    )
    notices = notices.filter(created_at__gte=hours.digested_at or until).exclude(connection=None)
    return notices.select_related("tenant", "connection").order_by("created_at")[:MAX_NOTICES]


def build_digest_context(hours: QuietHours, notices: list[Notice]) -> dict[str, object]:
    return {
        "tenant": hours.membership.tenant.name,
        "count": len(notices),
        "lines": [
            {
                "sentence": " ".join(notice.sentence.split()),
                "at": f"{notice.created_at.astimezone(hours.zone):%Y-%m-%d %H:%M %Z}",
                "link": mail.build_absolute_url(notice.path),
                "todo": NOTICE_KINDS[notice.kind].todo,
            }
            for notice in notices
        ],
    }
