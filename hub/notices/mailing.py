"""Mail notices to the members concerned, and remind them until the cause is resolved."""

from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import translation

from hub import mail
from hub.notices.kinds import NOTICE_KINDS
from hub.notices.models import ConnectionMailPreference, MailPreference, Notice
from hub.notices.presence import find_absent_members, find_substitutes
from tenants.models import Membership

# after the notice; no further ones
REMINDER_DELAYS = (timedelta(days=1), timedelta(days=3), timedelta(days=7))
MEMBERS_READ = 200  # among whom substitutes are sought
REMINDED_KINDS = {"needs_reconnect"}
# a mail that could not be sent by then is replaced by the next reminder
MAIL_LIFETIME = timedelta(days=1)


def find_due_notices(*, now: datetime) -> QuerySet[Notice]:
    return Notice.unscoped.filter(next_mail_at__lte=now).order_by("next_mail_at")


@transaction.atomic
def mail_notice(notice: Notice, *, now: datetime) -> None:
    """Queue the mails of this notice, and schedule its next reminder."""
    current_row = Notice.unscoped.filter(pk=notice.pk, next_mail_at=notice.next_mail_at)
    if not current_row.update(
        next_mail_at=schedule_next_reminder(notice), reminder_number=notice.reminder_number + 1
    ):
        return  # another worker has mailed it, or it was resolved meanwhile
    with suppress(mail.MailNotConfigured):  # then only the pages show it
        recipients, substitutes = find_recipients(notice, now=now)
        for membership in (*recipients, *substitutes):
            if after := choose_mail_time(membership, notice, now=now):
                until = max(after, now) + MAIL_LIFETIME
                language = choose_language(membership)
                with translation.override(language):  # the notice's own texts
                    mail.queue_mail(
                        membership.user.email,
                        "mail/notice.txt",
                        build_notice_context(notice, membership)
                        | {"stands_in": membership in substitutes},
                        about=notice.mail_reference,
                        after=after,
                        until=until,
                        language=language,
                        now=now,
                    )


def choose_language(membership: Membership) -> str:
    """Return the language of this member's mails: the member's choice, or the hub's language."""
    hours = getattr(membership, "quiet_hours", None)
    return (hours.language if hours else "") or settings.LANGUAGE_CODE


def choose_mail_time(membership: Membership, notice: Notice, *, now: datetime) -> datetime | None:
    """Return when the mail may be sent: after quiet hours if it can wait.

    None: it is not sent; the daily mail includes the notice instead.
    """
    mail_hours = getattr(membership, "quiet_hours", None)
    if mail_hours is None or not NOTICE_KINDS[notice.kind].can_wait:
        return now
    return None if mail_hours.digest else mail_hours.quiet_end(now=now) or now


def schedule_next_reminder(notice: Notice) -> datetime | None:
    reminders = REMINDER_DELAYS if notice.kind in REMINDED_KINDS else ()
    return (
        notice.created_at + reminders[notice.reminder_number]
        if notice.reminder_number < len(reminders)
        else None
    )


def find_recipients(notice: Notice, *, now: datetime) -> tuple[list[Membership], list[Membership]]:
    """Return the members who receive mails of this notice, and their substitutes.

    By default the owners, the member who connected the account, and those who subscribed to the
    connection, except for members who switched this kind off. If all of them are absent,
    substitutes are notified, too.
    """
    connection_choices = ConnectionMailPreference.unscoped.filter(
        connection=notice.connection_id, kind=notice.kind
    )
    concerned = Q(role=Membership.Role.OWNER) | Q(
        pk__in=connection_choices.filter(enabled=True).values("membership")
    )
    if notice.connection and notice.connection.connected_by_id:
        concerned |= Q(user=notice.connection.connected_by_id)
    active = Membership.unscoped.filter(tenant=notice.tenant, user__is_active=True)
    active = active.select_related("user", "tenant", "quiet_hours__membership__tenant")
    members = list(active.filter(concerned))
    choices = dict(
        MailPreference.unscoped.filter(
            kind=notice.kind, membership__tenant=notice.tenant
        ).values_list("membership", "enabled")
    )
    choices |= dict(connection_choices.values_list("membership", "enabled"))
    default = NOTICE_KINDS[notice.kind].is_mailed
    recipients = [membership for membership in members if choices.get(membership.pk, default)]
    if not default or len(find_absent_members(members, now=now)) < len(members):
        return recipients, []
    others = active.exclude(pk__in=[membership.pk for membership in members])
    substitutes = find_substitutes(list(others[:MEMBERS_READ]), choices, now=now)
    return recipients, substitutes


def build_notice_context(notice: Notice, membership: Membership) -> dict[str, object]:
    """Return the context of the mail's template.

    has_opted_in: the member subscribed to the connection.
    """
    connected_by = notice.connection.connected_by_id if notice.connection else None
    has_opted_in = membership.role != Membership.Role.OWNER and membership.user_id != connected_by
    return {
        "asked": has_opted_in,
        "heading": NOTICE_KINDS[notice.kind].label,
        "sentence": notice.sentence,
        "todo": NOTICE_KINDS[notice.kind].todo,
        "tenant": membership.tenant.name,
        "connection": str(notice.connection),
        "reminder": notice.reminder_number > 0,
        "since": f"{notice.created_at:%Y-%m-%d %H:%M} UTC",
        "link": mail.build_absolute_url(notice.path),
    }
