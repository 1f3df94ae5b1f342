"""A customer asks for a system that nobody can connect yet: it is counted, and staff are told once."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, Q

from connectors.registry import CONNECTORS
from hub import audit
from hub.connections.models import ConnectorRequest
from hub.notices.notify import notify
from tenants.models import Tenant
from tenants.people import hold

KIND = "connector_requested"
NAME_MOST = 60
WISHES_MOST = 50  # of one tenant: nobody floods the staff's page


class TooMany(Exception):
    """This tenant has asked for enough."""


class Asked(NamedTuple):
    """How many tenants ask for a system, and whether the one that looks is among them."""

    count: int = 0
    mine: bool = False


@transaction.atomic
def wish(tenant: Tenant, name: str, hand: audit.Hand, *, now: datetime) -> int:
    """How many tenants have asked for it by now. The same tenant asks once. Raises TooMany."""
    hold(tenant)
    name, system, mine = tidy(name), system_of(name), ConnectorRequest.objects.of(tenant)
    if not mine.filter(system=system).exists():
        if mine.count() >= WISHES_MOST:
            raise TooMany
        asker = hand.actor.label[:200]
        row = ConnectorRequest.unscoped.create(tenant=tenant, system=system, name=name, asker=asker, created_at=now)
        audit.record(verb="connector.request", obj=row, tenant=tenant, after={"name": name}, now=now, **hand.said)
        tell(row, now=now)
    return ConnectorRequest.unscoped.filter(system=system).count()


def tell(row: ConnectorRequest, *, now: datetime) -> None:
    count = ConnectorRequest.unscoped.filter(system=row.system).count()
    tenants = "tenant has" if count == 1 else "tenants have"
    sentence = f"{row.tenant.name} asks for “{row.name}”; {count} {tenants} asked."
    notify(KIND, sentence, about=str(row.public_id), now=now)


def tidy(name: str) -> str:
    return " ".join(name.replace("\0", " ").split())[:NAME_MOST]


def system_of(name: str) -> str:
    """A connector's key where it is called like one; otherwise the name as one word, so that spellings meet."""
    slug = slug_of(tidy(name))
    return next((key for key, code in CONNECTORS.items() if slug_of(code.label) == slug), slug)


def slug_of(name: str) -> str:
    return re.sub(r"[\W_]+", "-", name.casefold()).strip("-")[:NAME_MOST] or "other"


def asked_for(systems: Collection[str], tenant: Tenant) -> dict[str, Asked]:
    """Of those that anybody asks for; one statement."""
    rows = ConnectorRequest.unscoped.filter(system__in=systems).values_list("system")
    counted = rows.annotate(count=Count("pk"), mine=Count("pk", filter=Q(tenant=tenant)))
    return {system: Asked(count, bool(mine)) for system, count, mine in counted}
