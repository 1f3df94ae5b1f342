"""A customer asks for a system that is not there: staff are told once, with how many asked before."""

import re
from datetime import datetime

from hub.notices.models import Notice
from hub.notices.notify import notify
from tenants.models import Tenant

KIND = "connector_requested"
NAME_MOST, SLUG_MOST = 60, 30
WISHES_MOST = 50  # of one tenant: nobody floods the staff's page


class TooMany(Exception):
    """This tenant has asked for enough."""


def wish(tenant: Tenant, name: str, *, now: datetime) -> int:
    """How many tenants have asked for it by now. The same tenant asks once."""
    name = " ".join(name.split())[:NAME_MOST]
    slug = slug_of(name)
    mine = f":{tenant.pk}"
    if Notice.unscoped.filter(kind=KIND, key__endswith=mine).count() >= WISHES_MOST:
        raise TooMany
    others = Notice.unscoped.filter(kind=KIND, key__startswith=f"{KIND}:{slug}:").exclude(key__endswith=mine).count()
    count = others + 1
    sentence = f"{tenant.name} asks for “{name}”; {count} {'tenant has' if count == 1 else 'tenants have'} asked."
    notify(KIND, sentence, about=f"{slug}{mine}", now=now)
    return count


def slug_of(name: str) -> str:
    return re.sub(r"[\W_]+", "-", name.casefold()).strip("-")[:SLUG_MOST] or "other"
