"""Requests for systems without a connector: count them, and notify staff of each new one."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from connectors.registry import CONNECTORS
from hub import audit
from hub.connections.models import ConnectorRequest
from hub.notices.notify import create_notice
from hub.problems import Refusal
from tenants.models import Tenant
from tenants.services.tenant_actions import lock_tenant

REQUEST_NOTICE_KIND = "connector_requested"
SYSTEM_NAME_LENGTH_MAX = 60
REQUESTS_MAX = 50  # of one tenant, so that it does not flood the staff page


class TooManyConnectorRequests(Refusal):
    """The tenant has the maximal number of requests."""

    sentence = _("You have already requested many systems. Please contact us.")


@dataclass(frozen=True, slots=True)
class ConnectorDemand:
    """The number of tenants that request a system, and whether this tenant is one of them."""

    count: int = 0
    is_own: bool = False


@transaction.atomic
def request_connector(
    tenant: Tenant, name: str, actor: audit.ActorContext, *, now: datetime
) -> int:
    """Store the tenant's request for a system; return the number of tenants that request it.

    Raises TooManyConnectorRequests if the tenant has the maximal number of requests.
    """
    lock_tenant(tenant)
    name, system, own_requests = (
        _clean_system_name(name),
        find_system_key(name),
        ConnectorRequest.objects.of(tenant),
    )
    if not own_requests.filter(system=system).exists():
        if own_requests.count() >= REQUESTS_MAX:
            raise TooManyConnectorRequests
        asker = actor.actor.label[:200]
        connector_request = ConnectorRequest.unscoped.create(
            tenant=tenant, system=system, name=name, asker=asker, created_at=now
        )
        actor.audit(
            "connector.request", connector_request, tenant=tenant, after={"name": name}, now=now
        )
        _notify_staff_of_request(connector_request, now=now)
    return ConnectorRequest.unscoped.filter(system=system).count()


def _notify_staff_of_request(connector_request: ConnectorRequest, *, now: datetime) -> None:
    count = ConnectorRequest.unscoped.filter(system=connector_request.system).count()
    create_notice(
        REQUEST_NOTICE_KIND,
        "connector_requested",
        {
            "tenant": connector_request.tenant.name,
            "name": connector_request.name,
            "count": count,
        },
        occurrence=str(connector_request.public_id),
        now=now,
    )


def _clean_system_name(name: str) -> str:
    return " ".join(name.replace("\0", " ").split())[:SYSTEM_NAME_LENGTH_MAX]


def find_system_key(name: str) -> str:
    """Return the key of the connector with this label, else the name as a slug.

    Different spellings of a name have the same key.
    """
    slug = _slugify_system_name(_clean_system_name(name))
    return next(
        (
            key
            for key, connector in CONNECTORS.items()
            if _slugify_system_name(connector.label) == slug
        ),
        slug,
    )


def _slugify_system_name(name: str) -> str:
    return re.sub(r"[\W_]+", "-", name.casefold()).strip("-")[:SYSTEM_NAME_LENGTH_MAX] or "other"


def count_connector_requests(
    systems: Collection[str], tenant: Tenant
) -> dict[str, ConnectorDemand]:
    """Count the requests of these systems, in one query."""
    requests = ConnectorRequest.unscoped.filter(system__in=systems).values_list("system")
    counted = requests.annotate(count=Count("pk"), mine=Count("pk", filter=Q(tenant=tenant)))
    return {system: ConnectorDemand(count, bool(own_count)) for system, count, own_count in counted}
