"""Find the members who do not read their mails at present, and their substitutes."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db.models import Q

from hub.mail.models import Mail
from hub.notices.models import QuietHours
from tenants.models import Membership

ABSENT_AFTER = timedelta(days=60)  # without signing in; a session lasts for two weeks
NOTICE_MAILS = ("mail/notice.txt", "mail/digest.txt")
REFUSED_REASON = "mail_refused"
SUBSTITUTES_MAX = 20  # members who are notified in the place of others


def find_absent_members(memberships: Sequence[Membership], *, now: datetime) -> set[int]:
    """Return the ids of the memberships of people who are away, whose mails are refused, or who
    have not signed in for 60 days; in one statement.

    `memberships`: with their users, tenants and quiet hours.
    """
    refusing = _find_refusing_addresses([membership.user.email for membership in memberships])
    return {
        membership.pk
        for membership in memberships
        if is_away(membership, now=now)
        or membership.user.email in refusing
        or not _has_signed_in_recently(membership, now=now)
    }


def is_away(membership: Membership, *, now: datetime) -> bool:
    """Return whether the member has entered an absence that has not ended."""
    hours: QuietHours | None = getattr(membership, "quiet_hours", None)
    if hours is None or hours.away_until is None:
        return False
    return now.astimezone(hours.zone).date() < hours.away_until


def find_substitutes(
    tenant_members: Sequence[Membership], kind_choices: dict[int, bool], *, now: datetime
) -> list[Membership]:
    """Return the substitutes of absent members: the present admins, or else all present members.

    `kind_choices`: by membership, whether the member wants mails of the kind.
    """
    absent = find_absent_members(tenant_members, now=now)
    present = [
        membership
        for membership in tenant_members
        if membership.pk not in absent and kind_choices.get(membership.pk, True)
    ]
    admins = [entry for entry in present if entry.role == Membership.Role.ADMIN]
    return (admins or present)[:SUBSTITUTES_MAX]


def _find_refusing_addresses(addresses: Collection[str]) -> set[str]:
    """Return the addresses whose last notice was refused by their mail server."""
    mails = Mail.objects.filter(to__in=addresses, kind__in=NOTICE_MAILS)
    ended_mails = mails.filter(Q(state="sent") | Q(state="failed", reason=REFUSED_REASON)).order_by(
        "pk"
    )
    last_reasons = dict(ended_mails.values_list("to", "reason"))
    return {address for address, reason in last_reasons.items() if reason == REFUSED_REASON}


def _has_signed_in_recently(membership: Membership, *, now: datetime) -> bool:
    user = membership.user
    last_seen = max(filter(None, (user.last_login, user.date_joined, membership.created_at)))
    return now - last_seen < ABSENT_AFTER
