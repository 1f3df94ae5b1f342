"""The effective mail preferences of a member: kinds for one connection, and the language."""

from typing import Any, NamedTuple

from hub.notices.kinds import NOTICE_KINDS, NoticeKind
from hub.notices.models import ConnectionMailPreference, MailPreference, QuietHours
from tenants.models import Membership


class EffectivePreference(NamedTuple):
    kind: NoticeKind
    is_mailed: bool


def find_preferred_language(address: str) -> str:
    """Return the language that the person with this address chose; "" if none.

    The newest membership counts.
    """
    quiet_hours = QuietHours.unscoped.filter(membership__user__email=address.lower())
    rows = quiet_hours.exclude(language="").order_by("-membership_id")
    return rows.values_list("language", flat=True).first() or ""


def list_effective_preferences(
    membership: Membership, connection: Any, *, receives_by_default: bool
) -> list[EffectivePreference]:
    """Return, for each kind, whether the member receives mails about this connection.

    It takes two statements. receives_by_default: the member receives mails about this connection by
    default.
    """
    general_choices = dict(
        MailPreference.unscoped.filter(membership=membership).values_list("kind", "enabled")
    )
    connection_choices = ConnectionMailPreference.unscoped.filter(
        membership=membership, connection=connection
    )
    specific_choices = dict(connection_choices.values_list("kind", "enabled"))
    return [
        EffectivePreference(
            entry,
            specific_choices.get(
                kind, receives_by_default and general_choices.get(kind, entry.is_mailed)
            ),
        )
        for kind, entry in NOTICE_KINDS.items()
    ]
