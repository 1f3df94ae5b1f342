"""What an explanation looks at, read in a fixed number of statements."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from hub.connections import maintenance
from hub.connections.models import MAINTENANCE, KillSwitch, MaintenanceWindow
from hub.mappings.models import MappingVersion
from hub.outgoing.models import Attempt, Delivery, EventBody, Rendering
from hub.outgoing.order import head_of
from hub.outgoing.rehearse import Rehearsal, of_route
from hub.throttle.models import QuotaState


@dataclass(frozen=True, slots=True)
class Reading:
    delivery: Delivery
    now: datetime
    attempts: Sequence[Attempt]
    rendered: bool  # its bytes are settled: they go again as they are
    rehearsal: Rehearsal | None  # what today's filter and mapping make of it; None where the body is pruned
    pauses: Sequence[QuotaState]  # the quotas of its connection that rest
    switch: KillSwitch | None  # that stops it
    head: Delivery | None  # of an ordered route: what has to end first
    maintenance: MaintenanceWindow | None  # that holds its connection

    @classmethod
    def of(cls, delivery: Delivery, *, now: datetime) -> "Reading":
        return cls(
            delivery=delivery,
            now=now,
            attempts=list(Attempt.unscoped.filter(delivery=delivery)),
            rendered=Rendering.objects.filter(delivery_id=delivery.pk).exists(),
            rehearsal=rehearsed(delivery),
            pauses=pauses_of(delivery, now=now),
            switch=switch_of(delivery),
            head=head_of(delivery),
            maintenance=window_of(delivery, now=now),
        )


def document_of(delivery: Delivery) -> dict[str, Any] | None:
    body = EventBody.objects.filter(event_id=delivery.event_id).first()
    if body is None:
        return None
    return delivery.event.document(delivery.tenant, json.loads(bytes(body.body))["data"])


def rehearsed(delivery: Delivery) -> Rehearsal | None:
    document = document_of(delivery)
    version = MappingVersion.unscoped.filter(mapping=delivery.route.mapping_id).order_by("-number").first()
    if document is None or version is None:
        return None
    return of_route(delivery.route, version, document, delivery.tenant, delivery.connection)


def switch_of(delivery: Delivery) -> KillSwitch | None:
    """The widest."""
    concerned = Q(scope="tenant", tenant=delivery.tenant_id) | Q(scope="route", route=delivery.route_id)
    concerned |= Q(scope="platform") | Q(scope="connector", connector_key=delivery.route.connector_key)
    rows = {row.scope: row for row in KillSwitch.unscoped.filter(concerned).select_related("tenant", "route")}
    return next((rows[scope] for scope in KillSwitch.Level.values if scope in rows), None)


def window_of(delivery: Delivery, *, now: datetime) -> MaintenanceWindow | None:
    lane = getattr(delivery.connection, "lane", None)
    return maintenance.of(delivery.connection, now=now) if lane and lane.hold_reason == MAINTENANCE else None


def pauses_of(delivery: Delivery, *, now: datetime) -> list[QuotaState]:
    if delivery.connection is None:
        return []
    own = ("", f"#{delivery.connection_id}", delivery.connection.account or "#")
    rows = QuotaState.objects.filter(connector_key=delivery.route.connector_key, paused_until__gt=now).order_by(
        "-paused_until"
    )
    return [row for row in rows if row.key.split("|")[2] in own]
