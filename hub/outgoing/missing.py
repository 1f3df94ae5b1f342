"""Events that an endpoint would get today and never got: counted for a plan, then sent batch by batch."""

import json
from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from hub.connections.lasting import Group, lasts
from hub.connections.models import Connection, Lane
from hub.operations.models import Operation
from hub.operations.run import Batch
from hub.outgoing.forecast import COUNTED, Forecast, told
from hub.outgoing.match import Off, begun, matches
from hub.outgoing.models import Delivery, Event, EventBody, Route
from hub.outgoing.order import queue_up
from hub.outgoing.search import floor_of
from hub.outgoing.subscribe import TEST, ways_of
from hub.outgoing.wake import wake


def missing(connection: Connection, routes: Iterable[Route], *, since: datetime) -> QuerySet[Event]:
    got = Delivery.unscoped.filter(event=OuterRef("pk"), connection=connection)
    rows = Event.objects.of(connection.tenant).filter(among(routes), public_id__gte=floor_of(since))
    return rows.exclude(type=TEST).filter(~Exists(got))


def among(routes: Iterable[Route]) -> Q:
    patterns = {route.event_type for route in routes}
    if "*" in patterns:
        return Q()
    ways = (Q(type__startswith=it[:-1]) if it.endswith("*") else Q(type=it) for it in sorted(patterns))
    return reduce(or_, ways, Q(pk__in=()))


def routes_to(connection: Connection) -> list[Route]:
    ways = ways_of(connection)
    return [route for route in (*ways.own, *ways.shared) if route.enabled]


def forecast_missing(connection: Connection, *, since: datetime, now: datetime, most: int = COUNTED) -> Forecast:
    rows = missing(connection, routes_to(connection), since=since)
    found = list(rows.order_by("pk").values_list("pk", "accepted_at")[: most + 1])
    count = min(len(found), most)
    (action, *_) = connection.connector.actions
    groups = [Group(connection, action, count, 0)] if count else []
    facts: dict[str, Any] = {
        "oldest": found[0][1].isoformat() if found else None,
        "tenants": 1 if found else 0,
        "connections": told(groups),
        "other_connections": 0,
        "seconds": lasts(groups, now=now),
        "possibly_delivered": 0,
        "doubles": 0,
        "sample": [],
    }
    first, last = (found[0][0], found[-1][0]) if found else (1, 0)
    return Forecast(count, len(found) > most, first - 1, last, facts)


def send_missing(operation: Operation, size: int, *, now: datetime) -> Batch:
    """A batch of an operation. The lane is locked, so that two operations at once send nothing twice."""
    rows = Connection.objects.of(operation.tenant).filter(public_id=operation.filter["connection"])
    connection = rows.select_related("tenant").get()
    Lane.lock(connection.pk)
    routes, since = routes_to(connection), datetime.fromisoformat(operation.filter["since"])
    rest = missing(connection, routes, since=since).filter(pk__gt=operation.cursor, pk__lte=operation.last)
    events = list(rest.order_by("pk")[:size])
    made = deliveries_of(connection, routes, events, now=now)
    queue_up(made)
    Delivery.unscoped.bulk_create(made)
    if any(row.state == "waiting" for row in made):
        wake([connection.pk], now=now)
    sent = len({row.event_id for row in made})
    return Batch(events[-1].pk, sent, len(events) - sent) if events else Batch(None)


def deliveries_of(
    connection: Connection, routes: Iterable[Route], events: Iterable[Event], *, now: datetime
) -> list[Delivery]:
    """As if each were accepted now. An event whose body is no longer kept becomes none."""
    bodies = EventBody.objects.in_bulk([event.pk for event in events])
    off, made = Off.now(), []
    for event in events:
        if event.pk not in bodies:
            continue
        document = event.document(connection.tenant, json.loads(bytes(bodies[event.pk].body))["data"])
        for route in routes:
            if matches(route.event_type, event.type):
                made += begun(connection.tenant, route, [connection], document, off, now=now)
                made[-1].event, made[-1].low_priority = event, True
    return made
