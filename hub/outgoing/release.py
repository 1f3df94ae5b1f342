"""Release held deliveries whose cause is removed.

Deliveries of a connection that is paused, disabled or needs a reconnect are not in state *held*:
they stay *waiting* on a held lane (`Connection._change_state`), and pages show them as held.

Each cause is one query, so a lost wake-up loses nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from connectors.http import load_json
from hub.connections.models import Connection, KillSwitch
from hub.mappings.models import Identity, IdentityFallback, MappingVersion
from hub.outgoing.models import Delivery, EventBody
from hub.outgoing.queue.expire import expire_deliveries
from hub.outgoing.queue.ordering import assign_positions, lock_lanes_of, promote_followers
from hub.outgoing.queue.overtaken_holds import find_overtaken_holds
from hub.outgoing.queue.wake import wake_lanes
from hub.outgoing.routing import RoutingTable, evaluate_filter
from hub.queue import report_progress

RELEASE_BATCH = 500
REEVALUATION_BATCH = 100  # deliveries whose filters are evaluated in one transaction
FILTER_FAILED = "filter_failed"
REEVALUATED_COLUMNS = (
    "state",
    "reason",
    "detail",
    "connection",
    "position",
    "low_priority",
    "crash_count",
    "due_at",
    "state_changed_at",
)
MAPPING_REASONS = ("mapping_failed", "payload_refused", "identity_missing")
CONNECTION_REASONS = ("egress_refused", "credential_unreadable", "permission_missing")


def release_held_deliveries(*, now: datetime) -> int:
    """Release deliveries whose cause is removed; hold those of switched-off or suspended subjects.

    Return how many became due.
    """
    expire_deliveries(now=now)
    _hold_for_suspended_tenants(now=now)
    _hold_for_switches(now=now)
    cause_queries = (
        _find_with_newer_mapping,
        _find_with_newer_identity,
        _find_with_newer_fallback,
        _find_with_changed_connection,
        _find_with_restored_tenant,
        _find_with_tenant_switched_on,
        _find_with_route_switched_on,
    )
    return (
        sum(_release_deliveries(find_by_cause(), now=now) for find_by_cause in cause_queries)
        + _release_deliveries(find_overtaken_holds(now=now), now=now)
        + _release_reevaluated(_find_with_new_connection(), now=now)
        + _release_reevaluated(_find_with_changed_filter(), now=now)
    )


def _find_held(*reasons: str) -> QuerySet[Delivery]:
    return Delivery.unscoped.filter(state="held", reason__in=reasons)


# --- the causes -----------------------------------------------------------------------------------


def _find_with_newer_mapping() -> QuerySet[Delivery]:
    newer = MappingVersion.unscoped.filter(
        mapping=OuterRef("route__mapping"), created_at__gt=OuterRef("state_changed_at")
    )
    return _find_held(*MAPPING_REASONS).filter(Exists(newer))


def _find_with_newer_identity() -> QuerySet[Delivery]:
    newer = Identity.confirmed().filter(
        connection=OuterRef("connection"), updated_at__gt=OuterRef("state_changed_at")
    )
    return _find_held("identity_missing").filter(Exists(newer))


def _find_with_newer_fallback() -> QuerySet[Delivery]:
    newer = IdentityFallback.unscoped.filter(
        connection=OuterRef("connection"),
        direction=IdentityFallback.Direction.OUT,
        updated_at__gt=OuterRef("state_changed_at"),
    )
    return _find_held("identity_missing").filter(Exists(newer))


def _find_with_changed_connection() -> QuerySet[Delivery]:
    return _find_held(*CONNECTION_REASONS).filter(connection__changed_at__gt=F("state_changed_at"))


def _find_with_restored_tenant() -> QuerySet[Delivery]:
    return _find_held("tenant_suspended").filter(tenant__suspended_at=None)


def _find_with_tenant_switched_on() -> QuerySet[Delivery]:
    return _find_held("switched_off").exclude(tenant__in=_select_switched_off("tenant"))


def _find_with_route_switched_on() -> QuerySet[Delivery]:
    return _find_held("route_off").exclude(route__in=_select_switched_off("route"))


def _select_switched_off(level: str) -> QuerySet[KillSwitch, dict[str, Any]]:
    subjects: QuerySet[KillSwitch, dict[str, Any]]
    subjects = KillSwitch.unscoped.filter(scope=level).values(level)
    return subjects


def _find_with_new_connection() -> QuerySet[Delivery]:
    connections = Connection.unscoped.filter(
        Q(tenant=OuterRef("tenant")) | Q(tenant=None),
        connector_key=OuterRef("route__connector_key"),
    )
    return _find_held("not_connected").filter(Exists(connections))


def _find_with_changed_filter() -> QuerySet[Delivery]:
    return _find_held(FILTER_FAILED).filter(route__changed_at__gt=F("state_changed_at"))


def _hold_for_suspended_tenants(*, now: datetime) -> None:
    """Hold suspended tenants' deliveries on platform connections; their lanes are not claimed."""
    waiting = Delivery.unscoped.filter(
        state="waiting", connection__tenant=None, connection__isnull=False
    )
    waiting.filter(tenant__suspended_at__isnull=False).update(
        state="held", reason="tenant_suspended", due_at=None, state_changed_at=now
    )


def _hold_for_switches(*, now: datetime) -> None:
    """Hold waiting deliveries of switched-off routes, and of tenants on platform connections."""
    waiting = Delivery.unscoped.filter(state="waiting", connection__isnull=False)
    routes = waiting.filter(route__in=_select_switched_off("route"))
    routes.update(state="held", reason="route_off", detail="", due_at=None, state_changed_at=now)
    tenants = waiting.filter(tenant__in=_select_switched_off("tenant"), connection__tenant=None)
    tenants.update(
        state="held", reason="switched_off", detail="", due_at=None, state_changed_at=now
    )


# --- releasing ------------------------------------------------------------------------------------


def _release_deliveries(deliveries: QuerySet[Delivery], *, now: datetime) -> int:
    """Make the deliveries due, batch by batch; each batch is one short transaction."""
    total = 0
    while batch := list(
        deliveries.order_by("pk").values_list("pk", "connection_id")[:RELEASE_BATCH]
    ):
        with transaction.atomic():
            still_held = Delivery.unscoped.filter(pk__in=[pk for pk, _ in batch], state="held")
            lock_lanes_of(still_held)
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


def _release_reevaluated(deliveries: QuerySet[Delivery], *, now: datetime) -> int:
    """Check each delivery's cause again, in batches as accepted; return how many became due."""
    last_id = total = 0
    while batch_ids := list(
        deliveries.filter(pk__gt=last_id)
        .order_by("pk")
        .values_list("pk", flat=True)[:REEVALUATION_BATCH]
    ):
        last_id = batch_ids[-1]
        with transaction.atomic():
            total += _reevaluate_batch(deliveries.filter(pk__in=batch_ids), now=now)
        report_progress()
    return total


def _reevaluate_batch(batch: QuerySet[Delivery], *, now: datetime) -> int:
    """Check the cause of each delivery again; return how many became due.

    A filter that failed again is next evaluated after the next change of its route.
    """
    lock_lanes_of(batch)
    locked = list(
        batch.select_related("event", "route", "tenant")
        .select_for_update(of=("self",), skip_locked=True, no_key=True)
        .order_by("pk")
    )
    changed = reevaluate_deliveries(locked, now=now)
    wake_lanes(store_reevaluated(changed, now=now), now=now)
    failed_again = {delivery.pk for delivery in locked} - {delivery.pk for delivery in changed}
    Delivery.unscoped.filter(pk__in=failed_again, reason=FILTER_FAILED).update(state_changed_at=now)
    return sum(delivery.state == "waiting" for delivery in changed)


# --- evaluating a cause again ---------------------------------------------------------------------


def reevaluate_deliveries(deliveries: Iterable[Delivery], *, now: datetime) -> list[Delivery]:
    """Evaluate failed filters again, and look for a connection for deliveries without one.

    Return the deliveries whose cause is removed, changed in memory: they wait, or their filter
    skips them.
    """
    deliveries = list(deliveries)
    if not deliveries:
        return []
    bodies = load_event_bodies(
        delivery for delivery in deliveries if delivery.reason == FILTER_FAILED
    )
    routing_table = RoutingTable.load({delivery.tenant for delivery in deliveries})
    return [
        delivery
        for delivery in deliveries
        if _reevaluate_in_memory(delivery, bodies, routing_table, now=now)
    ]


def _reevaluate_in_memory(
    delivery: Delivery,
    bodies: Mapping[int, EventBody],
    routing_table: RoutingTable,
    *,
    now: datetime,
) -> bool:
    """Evaluate filter or connection again, and return whether the delivery was changed.

    A filter whose event body was pruned cannot be evaluated.
    """
    state, reason, detail = "waiting", "", ""
    if delivery.reason == FILTER_FAILED:
        if delivery.event_id not in bodies:
            return False
        document = build_delivery_document(delivery, bodies)
        state, reason, detail = evaluate_filter(delivery.route, document)
    target = delivery.connection or routing_table.find_targets(delivery.route, delivery.tenant)[0]
    if state == "held" or (state == "waiting" and target is None):
        return False
    delivery.state, delivery.reason, delivery.detail = state, reason, detail
    delivery.state_changed_at = now
    if state == "waiting":
        delivery.connection, delivery.due_at = target, now
    return True


def store_reevaluated(deliveries: Sequence[Delivery], *, now: datetime) -> set[int]:
    """Write what `reevaluate_deliveries` changed; return lanes with newly due deliveries."""
    if not deliveries:
        return set()
    assign_positions([delivery for delivery in deliveries if delivery.position is None])
    Delivery.unscoped.bulk_update(deliveries, REEVALUATED_COLUMNS)
    skipped_ids = [delivery.pk for delivery in deliveries if delivery.state == "skipped"]
    return waiting_lane_ids(deliveries) | promote_followers(skipped_ids, now=now)


def waiting_lane_ids(deliveries: Iterable[Delivery]) -> set[int]:
    return {
        delivery.connection_id
        for delivery in deliveries
        if delivery.state == "waiting" and delivery.connection_id
    }


def load_event_bodies(deliveries: Iterable[Delivery]) -> dict[int, EventBody]:
    """Return the stored event bodies by event."""
    return EventBody.objects.in_bulk({delivery.event_id for delivery in deliveries})


def build_delivery_document(delivery: Delivery, bodies: Mapping[int, EventBody]) -> dict[str, Any]:
    """Build the document that filters and mappings of this delivery read."""
    data = load_json(bytes(bodies[delivery.event_id].body))["data"]
    return delivery.event.build_document(delivery.tenant, data)
