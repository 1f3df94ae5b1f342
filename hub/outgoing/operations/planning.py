"""Plan an operation on deliveries: selected ones, or all that match a filter."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.operations import operation_actions
from hub.operations.models import Operation
from hub.outgoing.operations.backfill import estimate_backfill
from hub.outgoing.operations.estimate import OperationEstimate, estimate_operation
from hub.outgoing.operations.filters import select_deliveries
from tenants.models import Tenant

OPERATION_KINDS = {
    "retry": _("Retry"),
    "send_again": _("Replay"),
    "cancel": _("Cancel"),
    "skip": _("Skip"),
}
# by kind
OPERATION_LABELS = {
    **OPERATION_KINDS,
    "send_missing": _("Send missing events"),
    "erase": _("Delete data of past deliveries"),
    "replay_items": _("Replay incoming events"),
    "repair": _("Repair discrepancies"),
}
ITEM_KINDS = {"replay_items", "repair"}  # kinds that do not work on deliveries
SELECTED_LIMIT = 1000


def preview_operation(
    kind: str,
    filter: Mapping[str, Any],
    *,
    tenant: Tenant | None,
    includes_platform: bool,
    now: datetime,
) -> OperationEstimate:
    """Estimate the operation without storing a plan."""
    return estimate_operation(
        kind, select_deliveries(kind, filter, tenant, includes_platform=includes_platform), now=now
    )


def plan_operation(
    kind: str,
    filter: Mapping[str, Any],
    *,
    tenant: Tenant | None,
    reason: str,
    actor: ActorContext,
    now: datetime,
) -> Operation:
    """Store a plan, which `confirm_operation` starts; without a tenant it is for all.

    Raises PermissionError if the actor is restricted to some tenants and specifies none.
    """
    operation_actions.check_plan_scope(tenant, actor)
    estimate = preview_operation(
        kind, filter, tenant=tenant, includes_platform=actor.is_unrestricted, now=now
    )
    return _store_operation_plan(
        kind, filter, estimate, tenant=tenant, reason=reason, actor=actor, now=now
    )


def plan_backfill(
    connection: Connection, *, since: datetime, reason: str, actor: ActorContext, now: datetime
) -> Operation:
    """Store a plan to send the events that a connection would receive today and never received."""
    estimate = estimate_backfill(connection, since=since, now=now)
    filter = {"connection": str(connection.public_id), "since": since.isoformat()}
    return _store_operation_plan(
        "send_missing",
        filter,
        estimate,
        tenant=connection.tenant,
        reason=reason,
        actor=actor,
        now=now,
    )


def _store_operation_plan(
    kind: str,
    filter: Mapping[str, Any],
    estimate: OperationEstimate,
    *,
    tenant: Tenant | None,
    reason: str,
    actor: ActorContext,
    now: datetime,
) -> Operation:
    return operation_actions.store_plan(
        actor,
        kind=kind,
        filter=dict(filter),
        includes_platform=actor.is_unrestricted,
        tenant=tenant,
        reason=reason,
        plan=estimate.facts,
        count=estimate.count,
        more=estimate.more,
        cursor=estimate.cursor,
        last=estimate.last,
        now=now,
    )
