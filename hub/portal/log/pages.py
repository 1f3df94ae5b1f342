"""A page of rows, newest first, stable while rows are added: what no index answers is asked of a bounded number."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from hub.mappings.translate import Budget
from hub.outgoing.explain import readable_deliveries
from hub.outgoing.models import Delivery, Event, EventBody
from hub.portal.log.asked import Asked
from hub.portal.log.inside import Opened, Sought
from tenants.models import Tenant
from tenants.scoping import belongs_to

AT_ONCE = 100  # events that are opened together


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one page: its rows, those that it is sought among where no index finds them, the events that are opened, and
    the steps that reading them and expressions may take (about a fifth of a second)."""

    rows: int = 50
    looked: int = 10_000
    bodies: int = 1_000
    steps: int = 300_000


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


def page_of(
    tenant: Tenant, asked: Asked, cursor: Cursor, limits: Limits = Limits(), budget: Budget | None = None
) -> Page:
    """`budget` is what several pages share; else a page has its own."""
    backwards, size = cursor.before is not None, limits.rows
    rows = beyond(rows_of(tenant, asked), cursor).order_by("pk" if backwards else "-pk")
    if asked.narrowed_by is None:
        return told(list(rows[: size + 1]), cursor, size)
    edge = edge_of(rows, limits.looked)
    if edge is not None:
        rows = rows.filter(Q(pk__lte=edge[0]) if backwards else Q(pk__gte=edge[0]))
    meant = rows.filter(asked.narrowed_by)
    last_looked = edge and edge[1]
    if not asked.opens_events:
        return told(list(meant[: size + 1]), cursor, size, last_looked)
    sought = Sought.of(asked.said, tenant, budget or Budget(limits.steps))
    found, stopped_at = holding(meant, sought, size + 1, limits.bodies)
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


# --- what stands inside of events ------------------------------------------------------------------------------------


def holding(rows: QuerySet[Any], sought: Sought, most: int, bodies: int) -> tuple[list[Any], UUID | None]:
    """Those whose event is meant; and the row at which looking ended, where it ended early."""
    event, way = ("event_id", "event__") if rows.model is Delivery else ("pk", "")
    read = rows.values_list("pk", "public_id", event, *(way + name for name in Opened._fields[3:]))
    found: list[int] = []  # most rows are not meant: they are read by their ids
    last: UUID | None = None
    for start in range(0, bodies, AT_ONCE):
        end = min(bodies, start + AT_ONCE)
        batch = [Opened(*values) for values in read[start:end]]
        kept = dict(EventBody.objects.filter(pk__in={row.event for row in batch}).values_list("pk", "body"))
        for row in batch:
            if row.event in kept and sought.in_body(row, bytes(kept[row.event])):
                found.append(row.pk)
            if sought.spent:  # the next page begins with this row, unless that alone is too much for a page
                return list(rows.filter(pk__in=found[:most])), last or row.public_id
            last = row.public_id
        if len(found) >= most or len(batch) < end - start:
            return list(rows.filter(pk__in=found[:most])), None
    return list(rows.filter(pk__in=found)), batch[-1].public_id
