"""A tenant's own copy of a platform mapping, for the tenant's routes that use it."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from hub.audit import ActorContext
from hub.mappings.mapping_actions import check_mapping_body, copy_mapping
from hub.mappings.models import FieldMapping
from hub.outgoing.models import Route
from hub.outgoing.subscriptions.route_actions import change_route, check_route
from tenants.models import Tenant


def copy_mapping_for_routes(
    mapping: FieldMapping,
    tenant: Tenant,
    name: str,
    routes: Sequence[Route],
    actor: ActorContext,
    *,
    now: datetime,
) -> FieldMapping:
    """Create the copy, and let these routes of the tenant use it from now on.

    Raises ValidationError by field.
    """
    check_mapping_body(mapping.connector_key, mapping.action, mapping.current.ordered_body)
    for route in routes:
        check_route(route)  # compiles its expressions before the transaction
    with transaction.atomic():
        copied = copy_mapping(mapping, tenant, name, actor, now=now)
        for route in routes:
            assert route.tenant_id == tenant.pk
            route.mapping = copied
            change_route(route, None, actor, now=now)
    return copied
