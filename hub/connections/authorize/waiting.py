"""Attempts that nobody came back from: where an administrator is asked first, the person goes on when they agreed."""

from datetime import datetime, timedelta

from django.db.models import Max, Q, QuerySet

from connectors.registry import CONNECTORS
from hub.connections.models import Authorization, ConnectLink
from tenants.models import Tenant

WAITED_FOR = timedelta(days=30)
NOT_BACK = Q(state="begun") | Q(state="failed", reason__in=("unfinished", "not_approved", "awaiting_approval"))


def waiting(tenant: Tenant, *, now: datetime) -> QuerySet[Authorization]:
    """Attempts of the tenant's own people at systems that ask their administrators, the newest first.

    Nobody tells us which account an attempt was for, so the name that it was given stands for it: of each name the
    newest attempt counts, if it waits.
    """
    asking = [key for key, code in CONNECTORS.items() if code.asks_admins]
    own = Authorization.objects.of(tenant).filter(link=None, connector__in=asking, created_at__gt=now - WAITED_FOR)
    newest = own.order_by().values("connector", "name").annotate(newest=Max("pk")).values("newest")
    rows = Authorization.objects.of(tenant).filter(NOT_BACK, pk__in=newest)
    return rows.select_related("tenant", "user", "connection").order_by("-pk")


def waiting_by(link: ConnectLink) -> Authorization | None:
    """The same for a guest."""
    newest = Authorization.unscoped.filter(link=link).order_by("-pk")[:1]
    return (
        Authorization.unscoped.filter(NOT_BACK, pk__in=newest.values("pk")).first() if link.code.asks_admins else None
    )
