"""A page of rows, newest first, stable while rows are added: what no index answers is asked of a bounded number."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from hub.outgoing.explain import readable_deliveries
from hub.outgoing.models import Delivery, Event, EventBody
from hub.portal.log.asked import Asked
from tenants.models import Tenant
from tenants.scoping import belongs_to

AT_ONCE = 200  # events that are opened together


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one page: its rows, those that it is sought among where no index finds them, the events that are opened."""

    rows: int = 50
    looked: int = 10_000
    bodies: int = 1_000


@dataclass(frozen=True, slots=True)
class Cursor:
    """The row that a page begins after, older or newer."""

    after: UUID | None = None
    before: UUID | None = None


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Any]
    newer: UUID | None = None  # there is a page before this one, from this row
    older: UUID | None = None
    cut: bool = False  # the older page may hold some: only a bounded number was looked at


def cursor_of(data: Any) -> Cursor:
    """What is no id begins at the first page."""
    return Cursor(uuid_or_none(data.get("after")), uuid_or_none(data.get("before")))


def uuid_or_none(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def rows_of(tenant: Tenant, asked: Asked) -> QuerySet[Any]:
    """All that is asked for but what no index answers: deliveries, or the events that no route took."""
    if asked.of_events:
        return Event.objects.of(tenant).filter(asked.found_by)
    return readable_deliveries().filter(belongs_to(Delivery, tenant), asked.found_by)


def page_of(tenant: Tenant, asked: Asked, cursor: Cursor, limits: Limits = Limits()) -> Page:
    backwards, size = cursor.before is not None, limits.rows
    rows = beyond(rows_of(tenant, asked), cursor).order_by("pk" if backwards else "-pk")
    if asked.narrowed_by is None:
        return told(list(rows[: size + 1]), cursor, size)
    edge = edge_of(rows, limits.looked)
    if edge is not None:
        rows = rows.filter(Q(pk__lte=edge[0]) if backwards else Q(pk__gte=edge[0]))
    meant = rows.filter(asked.narrowed_by)
    last_looked = edge and edge[1]
    value = asked.said.get("value")
    if not value:
        return told(list(meant[: size + 1]), cursor, size, last_looked)
    found, stopped_at = holding(meant, value, size + 1, limits.bodies)
    return told(found, cursor, size, stopped_at or last_looked)


def told(found: list[Any], cursor: Cursor, size: int, last_looked: UUID | None = None) -> Page:
    """`last_looked`: where looking ended before the rows did."""
    more, rows = len(found) > size, found[:size]
    if cursor.before is not None:
        rows.reverse()
        newer = rows[0].public_id if rows and more else last_looked
        return Page(rows, newer, rows[-1].public_id if rows else cursor.before)
    newer = rows[0].public_id if rows and cursor.after else None
    older = rows[-1].public_id if more else last_looked
    return Page(rows, newer, older, cut=not more and last_looked is not None)


def beyond(rows: QuerySet[Any], cursor: Cursor) -> QuerySet[Any]:
    """A row that was pruned meanwhile ends the list: what is older went before it."""
    if cursor.before:
        return rows.filter(pk__gt=row_of(rows, cursor.before))
    return rows.filter(pk__lt=row_of(rows, cursor.after)) if cursor.after else rows


def row_of(rows: QuerySet[Any], public_id: UUID) -> QuerySet[Any]:
    return rows.model.unscoped.filter(public_id=public_id).values("pk")[:1]


def edge_of(rows: QuerySet[Any], looked: int) -> tuple[int, UUID] | None:
    """The last row that is looked at; None where there are fewer."""
    return next(iter(rows.select_related(None).values_list("pk", "public_id")[looked - 1 : looked]), None)


# --- values inside of events -----------------------------------------------------------------------------------------


def holding(rows: QuerySet[Any], value: str, most: int, bodies: int) -> tuple[list[Any], UUID | None]:
    """Those whose event holds this value; and the row at which looking ended, where it ended early."""
    event = "event_id" if rows.model is Delivery else "pk"
    ids, found = rows.values_list("pk", "public_id", event), []  # most rows do not hold it: they are read by their ids
    for start in range(0, bodies, AT_ONCE):
        end = min(bodies, start + AT_ONCE)
        batch = list(ids[start:end])
        kept = dict(EventBody.objects.filter(pk__in={event for *_, event in batch}).values_list("pk", "body"))
        found += [pk for pk, _id, event in batch if event in kept and holds(bytes(kept[event]), value)]
        if len(found) >= most or len(batch) < end - start:
            return list(rows.filter(pk__in=found[:most])), None
    return list(rows.filter(pk__in=found)), batch[-1][1]


def holds(body: bytes, value: str) -> bool:
    """Whether some value of the data contains the text; upper and lower case alike."""
    wanted = value.strip().lower()
    return any(wanted in text.lower() for text in texts(json.loads(body).get("data")))


def texts(data: Any) -> Iterator[str]:
    """Without recursion: data may be nested deeper than Python likes."""
    rest = [data]
    while rest:
        one = rest.pop()
        if isinstance(one, dict | list):
            rest.extend(children(one))
        elif one is not None:
            yield one if isinstance(one, str) else json.dumps(one)


def children(one: Any) -> Iterable[Any]:
    return one.values() if isinstance(one, dict) else one
