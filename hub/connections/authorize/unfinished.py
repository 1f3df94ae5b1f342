"""Attempts that somebody began and nobody ended: the page was left, or an administrator there is asked first."""

from datetime import datetime, timedelta

from django.db.models import Max, Q, QuerySet

from connectors.registry import CONNECTORS
from hub.connections.models import Authorization, ConnectLink
from tenants.models import Tenant

GOES_ON = timedelta(days=1)
WAITED_FOR = timedelta(days=30)  # where an administrator decides
AWAITING_AN_ADMIN = ("unfinished", "not_approved", "awaiting_approval")  # or may be: nothing else came back
NOT_BACK = Q(state="begun") | Q(state="failed", reason__in=AWAITING_AN_ADMIN)
STOPPED = NOT_BACK | Q(state__in=("received", "granted"))
STOPPED |= Q(state="failed", reason__in=("late", "interrupted", "unavailable", "throttled"))


def asking() -> list[str]:
    return [key for key, code in CONNECTORS.items() if code.asks_admins]


def unfinished(tenant: Tenant, *, now: datetime) -> QuerySet[Authorization]:
    """Of each system and name the newest attempt of the tenant's own people, if it can go on.

    Nobody tells us which account an attempt was for, so the name that it was given stands for it.
    """
    own = Authorization.objects.of(tenant).filter(
        link=None, connector_key__in=CONNECTORS, created_at__gt=now - WAITED_FOR
    )
    newest = own.order_by().values("connector_key", "name").annotate(newest=Max("pk")).values("newest")
    lately = Q(created_at__gt=now - GOES_ON) | (NOT_BACK & Q(connector_key__in=asking()))
    rows = Authorization.objects.of(tenant).filter(STOPPED & lately, pk__in=newest)
    return rows.select_related("tenant", "user", "connection").order_by("pk")


def has_outcome(row: Authorization) -> bool:
    """Whether the attempt came back and failed for a reason that is known, such as an outage of the system."""
    return row.state == "failed" and row.reason not in AWAITING_AN_ADMIN


def waiting_by(link: ConnectLink) -> Authorization | None:
    """Of a guest: where an administrator of the other system may be asked first."""
    newest = Authorization.unscoped.filter(link=link).order_by("-pk")[:1]
    return (
        Authorization.unscoped.filter(NOT_BACK, pk__in=newest.values("pk")).first()
        if link.connector.asks_admins
        else None
    )
