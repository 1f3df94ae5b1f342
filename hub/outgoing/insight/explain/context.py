"""Load the rows that an explanation needs, in a fixed number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from connectors.http import load_json
from hub.connections.actions import maintenance
from hub.connections.models import MAINTENANCE, KillSwitch, MaintenanceWindow
from hub.mappings.models import MappingVersion
from hub.outgoing.insight.dry_run import DryRun, dry_run_route
from hub.outgoing.models import Attempt, Delivery, EventBody, Rendering
from hub.outgoing.queue.ordering import find_queue_head
from hub.throttle.models import QuotaState


@dataclass(frozen=True, slots=True)
class ExplanationContext:
    delivery: Delivery
    now: datetime
    attempts: Sequence[Attempt]
    is_rendered: bool  # its bytes are stored, and every attempt sends them
    dry_run: DryRun | None  # by today's filter and mapping; None where the body is pruned
    paused_quotas: Sequence[QuotaState]  # paused quotas of its connection, the longest first
    blocking_switch: KillSwitch | None  # the widest that stops it
    queue_head: Delivery | None  # of an ordered route: the delivery that has to end first
    maintenance: MaintenanceWindow | None  # the window that holds its connection

    @classmethod
    def load(cls, delivery: Delivery, *, now: datetime) -> "ExplanationContext":
        return cls(
            delivery=delivery,
            now=now,
            attempts=list(Attempt.unscoped.filter(delivery=delivery)),
            is_rendered=Rendering.objects.filter(delivery_id=delivery.pk).exists(),
            dry_run=_dry_run_delivery(delivery),
            paused_quotas=_find_paused_quotas(delivery, now=now),
            blocking_switch=_find_blocking_switch(delivery),
            queue_head=find_queue_head(delivery),
            maintenance=_find_maintenance_window(delivery, now=now),
        )


def _load_event_document(delivery: Delivery) -> dict[str, Any] | None:
    body = EventBody.objects.filter(event_id=delivery.event_id).first()
    if body is None:
        return None
    return delivery.event.build_document(delivery.tenant, load_json(bytes(body.body))["data"])


def _dry_run_delivery(delivery: Delivery) -> DryRun | None:
    document = _load_event_document(delivery)
    version = (
        MappingVersion.unscoped.filter(mapping=delivery.route.mapping_id)
        .order_by("-number")
        .first()
    )
    if document is None or version is None:
        return None
    return dry_run_route(delivery.route, version, document, delivery.tenant, delivery.connection)


def _find_blocking_switch(delivery: Delivery) -> KillSwitch | None:
    """Return the widest active switch for this delivery."""
    condition = Q(scope="tenant", tenant=delivery.tenant_id) | Q(
        scope="route", route=delivery.route_id
    )
    condition |= Q(scope="platform") | Q(
        scope="connector", connector_key=delivery.route.connector_key
    )
    switches = {
        switch.scope: switch
        for switch in KillSwitch.unscoped.filter(condition).select_related("tenant", "route")
    }
    return next((switches[scope] for scope in KillSwitch.Level.values if scope in switches), None)


def _find_maintenance_window(delivery: Delivery, *, now: datetime) -> MaintenanceWindow | None:
    connection = delivery.connection
    if connection is None or connection.lane.hold_reason != MAINTENANCE:
        return None
    return maintenance.find_connection_window(connection, now=now)


def _find_paused_quotas(delivery: Delivery, *, now: datetime) -> list[QuotaState]:
    if delivery.connection is None:
        return []
    quota_accounts = ("", f"#{delivery.connection_id}", delivery.connection.account or "#")
    quotas = QuotaState.objects.filter(
        connector_key=delivery.route.connector_key, paused_until__gt=now
    ).order_by("-paused_until")
    return [quota for quota in quotas if quota.key.split("|")[2] in quota_accounts]
