"""Set held deliveries going whose cause is gone. Each cause is one question, so a lost bell loses nothing."""

import json
from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from hub.connections.models import Connection, KillSwitch
from hub.mappings.models import Identity, MappingVersion
from hub.outgoing.models import Delivery, EventBody
from hub.outgoing.queue.expire import expire_deliveries
from hub.outgoing.queue.ordering import assign_positions, promote_followers
from hub.outgoing.queue.wake import wake_lanes
from hub.outgoing.routing import RoutingTable, evaluate_filter
from hub.queue import report_progress

RELEASE_BATCH = 500
MAPPING_REASONS = ("mapping_failed", "payload_refused", "identity_missing")
CONNECTION_REASONS = ("egress_refused", "credential_unreadable", "permission_missing")


def release_held_deliveries(*, now: datetime) -> int:
    """Let go what is held by a cause that is gone; hold what waits and is off. How many became due."""
    expire_deliveries(now=now)
    _hold_for_suspended_tenants(now=now)
    _hold_for_switches(now=now)
    cause_queries = (
        _find_with_newer_mapping,
        _find_with_newer_identity,
        _find_with_changed_connection,
        _find_with_restored_tenant,
        _find_with_tenant_switched_on,
        _find_with_route_switched_on,
    )
    return (
        sum(release_deliveries(find_by_cause(), now=now) for find_by_cause in cause_queries)
        + release_one_by_one(find_with_new_connection(), attach_connection, now=now)
        + release_one_by_one(_find_with_changed_filter(), reevaluate_filter, now=now)
    )


def find_held(*reasons: str) -> QuerySet[Delivery]:
    return Delivery.unscoped.filter(state="held", reason__in=reasons)


# --- the causes ------------------------------------------------------------------------------------------------------


def _find_with_newer_mapping() -> QuerySet[Delivery]:
    newer = MappingVersion.unscoped.filter(
        mapping=OuterRef("route__mapping"), created_at__gt=OuterRef("state_changed_at")
    )
    return find_held(*MAPPING_REASONS).filter(Exists(newer))


def _find_with_newer_identity() -> QuerySet[Delivery]:
    newer = Identity.unscoped.filter(
        connection=OuterRef("connection"), updated_at__gt=OuterRef("state_changed_at")
    )
    return find_held("identity_missing").filter(Exists(newer))


def _find_with_changed_connection() -> QuerySet[Delivery]:
    return find_held(*CONNECTION_REASONS).filter(connection__changed_at__gt=F("state_changed_at"))


def _find_with_restored_tenant() -> QuerySet[Delivery]:
    return find_held("tenant_suspended").filter(tenant__suspended_at=None)


def _find_with_tenant_switched_on() -> QuerySet[Delivery]:
    return find_held("switched_off").exclude(tenant__in=select_switched_off("tenant"))


def _find_with_route_switched_on() -> QuerySet[Delivery]:
    return find_held("route_off").exclude(route__in=select_switched_off("route"))


def select_switched_off(scope: str) -> QuerySet[KillSwitch]:
    return KillSwitch.unscoped.filter(scope=scope).values(scope)


def find_with_new_connection() -> QuerySet[Delivery]:
    connections = Connection.unscoped.filter(
        Q(tenant=OuterRef("tenant")) | Q(tenant=None),
        connector_key=OuterRef("route__connector_key"),
    )
    return find_held("not_connected").filter(Exists(connections))


def _find_with_changed_filter() -> QuerySet[Delivery]:
    return find_held("filter_failed").filter(route__changed_at__gt=F("state_changed_at"))


def _hold_for_suspended_tenants(*, now: datetime) -> None:
    """What a suspended tenant has waiting on the platform's own connections; its own lanes are not claimed at all."""
    waiting = Delivery.unscoped.filter(
        state="waiting", connection__tenant=None, connection__isnull=False
    )
    waiting.filter(tenant__suspended_at__isnull=False).update(
        state="held", reason="tenant_suspended", due_at=None, state_changed_at=now
    )


def _hold_for_switches(*, now: datetime) -> None:
    """What waits by a route that is off, or for a tenant that is off on the platform's own connections."""
    waiting = Delivery.unscoped.filter(state="waiting", connection__isnull=False)
    routes = waiting.filter(route__in=select_switched_off("route"))
    routes.update(state="held", reason="route_off", detail="", due_at=None, state_changed_at=now)
    tenants = waiting.filter(tenant__in=select_switched_off("tenant"), connection__tenant=None)
    tenants.update(
        state="held", reason="switched_off", detail="", due_at=None, state_changed_at=now
    )


# --- letting go ------------------------------------------------------------------------------------------------------


def release_deliveries(deliveries: QuerySet[Delivery], *, now: datetime) -> int:
    """Make them due, batch by batch; each batch is one short transaction."""
    total = 0
    while batch := list(
        deliveries.order_by("pk").values_list("pk", "connection_id")[:RELEASE_BATCH]
    ):
        with transaction.atomic():
            still_held = Delivery.unscoped.filter(pk__in=[pk for pk, _ in batch], state="held")
            released = still_held.update(
                state="waiting",
                reason="",
                detail="",
                quota_queue=0,
                due_at=now,
                state_changed_at=now,
            )
            wake_lanes({connection for _, connection in batch if connection}, now=now)
        total += released
        report_progress()
        if not released:
            break
    return total


def release_one_by_one(
    deliveries: QuerySet[Delivery], release: Callable[..., bool], *, now: datetime
) -> int:
    """For causes that are judged row by row."""
    released = 0
    for delivery in deliveries.select_related("event", "route", "tenant").order_by("pk")[
        :RELEASE_BATCH
    ]:
        with transaction.atomic():
            released += release(delivery, now=now)
    return released


def attach_connection(delivery: Delivery, *, now: datetime) -> bool:
    """A connection is there now: the delivery that waited for one takes the first."""
    targets = RoutingTable.load({delivery.tenant}).find_targets(delivery.route, delivery.tenant)
    if targets[0] is None:
        return False
    delivery.connection = targets[0]
    assign_positions([delivery])
    delivery.transition_to(
        "waiting",
        connection=targets[0],
        position=delivery.position,
        reason="",
        due_at=now,
        state_changed_at=now,
    )
    wake_lanes([targets[0].pk], now=now)
    return True


def reevaluate_filter(delivery: Delivery, *, now: datetime) -> bool:
    """The filter was changed: ask it again."""
    event_body = EventBody.objects.filter(event_id=delivery.event_id).first()
    if event_body is None:  # pruned: nobody can say any more
        return False
    data = json.loads(bytes(event_body.body))["data"]
    state, reason, detail = evaluate_filter(
        delivery.route, delivery.event.build_document(delivery.tenant, data)
    )
    if state == "waiting" and delivery.connection_id is None:
        return attach_connection(delivery, now=now)
    if state == "held":
        return False
    due_at = now if state == "waiting" else None
    delivery.transition_to(state, reason=reason, detail=detail, due_at=due_at, state_changed_at=now)
    if due_at:
        wake_lanes([delivery.connection_id], now=now)
    else:
        wake_lanes(promote_followers([delivery.pk], now=now), now=now)
    return bool(due_at)
