"""Pending authorizations: begun and not finished, or awaiting an administrator's approval."""

from datetime import datetime, timedelta

from django.db.models import Max, Q, QuerySet

from connectors.registry import CONNECTORS
from hub.connections.models import Authorization, ConnectLink
from tenants.models import Tenant

RESUMABLE_FOR = timedelta(days=1)
APPROVAL_AWAITED_FOR = timedelta(days=30)  # for systems whose administrators approve apps
# reasons of attempts that an administrator may still have to approve
AWAITING_AN_ADMIN = ("unfinished", "not_approved", "awaiting_approval")
NOT_RETURNED = Q(state="begun") | Q(state="failed", reason__in=AWAITING_AN_ADMIN)
RESUMABLE = NOT_RETURNED | Q(state__in=("received", "granted"))
RESUMABLE |= Q(state="failed", reason__in=("late", "interrupted", "unavailable", "throttled"))


def _list_approval_connectors() -> list[str]:
    return [key for key, connector in CONNECTORS.items() if connector.asks_admins]


def find_pending_authorizations(tenant: Tenant, *, now: datetime) -> QuerySet[Authorization]:
    """Find resumable authorizations of the tenant's users: the newest per connector and name.

    The account of an unfinished attempt is unknown, so its name identifies the attempt.
    """
    tenant_attempts = Authorization.objects.of(tenant).filter(
        link=None, connector_key__in=CONNECTORS, created_at__gt=now - APPROVAL_AWAITED_FOR
    )
    newest = (
        tenant_attempts.order_by()
        .values("connector_key", "name")
        .annotate(newest=Max("pk"))
        .values("newest")
    )
    is_resumable = Q(created_at__gt=now - RESUMABLE_FOR) | (
        NOT_RETURNED & Q(connector_key__in=_list_approval_connectors())
    )
    authorizations = Authorization.objects.of(tenant).filter(
        RESUMABLE & is_resumable, pk__in=newest
    )
    return authorizations.select_related("tenant", "user", "connection").order_by("pk")


def has_outcome(authorization: Authorization) -> bool:
    """Return whether the authorization came back and failed for a known reason, like an outage."""
    return authorization.state == "failed" and authorization.reason not in AWAITING_AN_ADMIN


def find_pending_of_link(link: ConnectLink) -> Authorization | None:
    """Find a guest's pending authorization, if an administrator may have to approve it."""
    newest = Authorization.unscoped.filter(link=link).order_by("-pk")[:1]
    return (
        Authorization.unscoped.filter(NOT_RETURNED, pk__in=newest.values("pk")).first()
        if link.connector.asks_admins
        else None
    )
