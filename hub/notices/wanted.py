"""Which mails about one connection a member gets, by what they chose for it and for all."""

from typing import Any, NamedTuple

from hub.notices.models import ConnectionMailPreference, MailPreference
from hub.words import NOTICES, NoticeKind
from tenants.models import Membership


class Wanted(NamedTuple):
    kind: NoticeKind
    mailed: bool


def wanted(membership: Membership, connection: Any, *, concerned: bool) -> list[Wanted]:
    """`concerned`: told without having asked. Two statements."""
    chosen = dict(MailPreference.unscoped.filter(membership=membership).values_list("kind", "enabled"))
    here = ConnectionMailPreference.unscoped.filter(membership=membership, connection=connection)
    asked = dict(here.values_list("kind", "enabled"))
    return [
        Wanted(entry, asked.get(kind, concerned and chosen.get(kind, entry.mailed))) for kind, entry in NOTICES.items()
    ]
