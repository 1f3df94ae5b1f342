"""Set held deliveries going whose cause is gone. Each cause is one question, so a lost bell loses nothing."""

import json
from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from hub.connections.models import Connection, KillSwitch
from hub.mappings.models import Identity, MappingVersion
from hub.outgoing.expire import expire
from hub.outgoing.match import Ways, verdict
from hub.outgoing.models import Delivery, EventBody
from hub.outgoing.order import promote, queue_up
from hub.outgoing.wake import wake
from hub.queue import still_here

BATCH = 500
BY_MAPPING = ("mapping_failed", "payload_refused", "identity_missing")
BY_CONNECTION = ("egress_refused", "credential_unreadable", "permission_missing")


def drain_held(*, now: datetime) -> int:
    """Let go what is held by a cause that is gone; hold what waits and is off. How many became due."""
    expire(now=now)
    hold_suspended(now=now)
    hold_switched_off(now=now)
    causes = (mended_mapping, found_identity, changed_connection, restored_tenant, tenant_on, route_on)
    return (
        sum(let_go(cause(), now=now) for cause in causes)
        + each(connected(), attach, now=now)
        + each(mended_filter(), judge, now=now)
    )


def held(*reasons: str) -> QuerySet[Delivery]:
    return Delivery.unscoped.filter(state="held", reason__in=reasons)


# --- the causes ------------------------------------------------------------------------------------------------------


def mended_mapping() -> QuerySet[Delivery]:
    newer = MappingVersion.unscoped.filter(
        mapping=OuterRef("route__mapping"), created_at__gt=OuterRef("state_changed_at")
    )
    return held(*BY_MAPPING).filter(Exists(newer))


def found_identity() -> QuerySet[Delivery]:
    newer = Identity.unscoped.filter(connection=OuterRef("connection"), updated_at__gt=OuterRef("state_changed_at"))
    return held("identity_missing").filter(Exists(newer))


def changed_connection() -> QuerySet[Delivery]:
    return held(*BY_CONNECTION).filter(connection__changed_at__gt=F("state_changed_at"))


def restored_tenant() -> QuerySet[Delivery]:
    return held("tenant_suspended").filter(tenant__suspended_at=None)


def tenant_on() -> QuerySet[Delivery]:
    return held("switched_off").exclude(tenant__in=off("tenant"))


def route_on() -> QuerySet[Delivery]:
    return held("route_off").exclude(route__in=off("route"))


def off(scope: str) -> QuerySet[KillSwitch]:
    return KillSwitch.unscoped.filter(scope=scope).values(scope)


def connected() -> QuerySet[Delivery]:
    there = Connection.unscoped.filter(
        Q(tenant=OuterRef("tenant")) | Q(tenant=None), connector_key=OuterRef("route__connector_key")
    )
    return held("not_connected").filter(Exists(there))


def mended_filter() -> QuerySet[Delivery]:
    return held("filter_failed").filter(route__changed_at__gt=F("state_changed_at"))


def hold_suspended(*, now: datetime) -> None:
    """What a suspended tenant has waiting on the platform's own connections; its own lanes are not claimed at all."""
    waiting = Delivery.unscoped.filter(state="waiting", connection__tenant=None, connection__isnull=False)
    waiting.filter(tenant__suspended_at__isnull=False).update(
        state="held", reason="tenant_suspended", due_at=None, state_changed_at=now
    )


def hold_switched_off(*, now: datetime) -> None:
    """What waits by a route that is off, or for a tenant that is off on the platform's own connections."""
    waiting = Delivery.unscoped.filter(state="waiting", connection__isnull=False)
    routes = waiting.filter(route__in=off("route"))
    routes.update(state="held", reason="route_off", detail="", due_at=None, state_changed_at=now)
    tenants = waiting.filter(tenant__in=off("tenant"), connection__tenant=None)
    tenants.update(state="held", reason="switched_off", detail="", due_at=None, state_changed_at=now)


# --- letting go ------------------------------------------------------------------------------------------------------


def let_go(rows: QuerySet[Delivery], *, now: datetime) -> int:
    """Make them due, batch by batch; each batch is one short transaction."""
    total = 0
    while batch := list(rows.order_by("pk").values_list("pk", "connection_id")[:BATCH]):
        with transaction.atomic():
            still = Delivery.unscoped.filter(pk__in=[pk for pk, _ in batch], state="held")
            moved = still.update(state="waiting", reason="", detail="", quota_queue=0, due_at=now, state_changed_at=now)
            wake({connection for _, connection in batch if connection}, now=now)
        total += moved
        still_here()
        if not moved:
            break
    return total


def each(rows: QuerySet[Delivery], verb: Callable[..., bool], *, now: datetime) -> int:
    """For causes that are judged row by row."""
    moved = 0
    for delivery in rows.select_related("event", "route", "tenant").order_by("pk")[:BATCH]:
        with transaction.atomic():
            moved += verb(delivery, now=now)
    return moved


def attach(delivery: Delivery, *, now: datetime) -> bool:
    """A connection is there now: the delivery that waited for one takes the first."""
    targets = Ways.of({delivery.tenant}).targets(delivery.route, delivery.tenant)
    if targets[0] is None:
        return False
    delivery.connection = targets[0]
    queue_up([delivery])
    delivery.move(
        "waiting", connection=targets[0], position=delivery.position, reason="", due_at=now, state_changed_at=now
    )
    wake([targets[0].pk], now=now)
    return True


def judge(delivery: Delivery, *, now: datetime) -> bool:
    """The filter was changed: ask it again."""
    kept = EventBody.objects.filter(event_id=delivery.event_id).first()
    if kept is None:  # pruned: nobody can say any more
        return False
    data = json.loads(bytes(kept.body))["data"]
    state, reason, detail = verdict(delivery.route, delivery.event.document(delivery.tenant, data))
    if state == "waiting" and delivery.connection_id is None:
        return attach(delivery, now=now)
    if state == "held":
        return False
    due = now if state == "waiting" else None
    delivery.move(state, reason=reason, detail=detail, due_at=due, state_changed_at=now)
    if due:
        wake([delivery.connection_id], now=now)
    else:
        wake(promote([delivery.pk], now=now), now=now)
    return bool(due)
