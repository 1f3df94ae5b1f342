"""Pages of the log, newest first, which stay stable while rows are added.

Filters without an index examine a bounded number of rows.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from hub.mappings.translate import Budget
from hub.outgoing.insight.explain import readable_deliveries
from hub.outgoing.models import Delivery, Event, EventBody
from hub.portal.log.body_search import BodySearch, EventRow
from hub.portal.log.query import LogQuery
from tenants.models import Tenant
from tenants.scoping import tenant_condition

BODIES_PER_BATCH = 100  # bodies read in one statement


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one page.

    rows: the rows of the page. rows_scanned: the rows that filters without an index examine.
    bodies: the events whose bodies are read. steps: the budget of reading bodies and evaluating
    expressions, about 0.2 s.
    """

    rows: int = 50
    rows_scanned: int = 10_000
    bodies: int = 1_000
    steps: int = 300_000


@dataclass(frozen=True, slots=True)
class Cursor:
    """The row after which a page begins, in either direction."""

    after: UUID | None = None
    before: UUID | None = None


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Any]
    newer: UUID | None = None  # the previous page ends before this row; None: there is none
    older: UUID | None = None
    is_incomplete: bool = False  # the older page may have matches, as the scan ended early


def parse_cursor(data: Any) -> Cursor:
    """Read the cursor from the URL; an invalid id means the first page."""
    return Cursor(parse_uuid(data.get("after")), parse_uuid(data.get("before")))


def parse_uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def filter_log(tenant: Tenant, log_query: LogQuery) -> QuerySet[Any]:
    """Return the rows that match the indexed filters: deliveries, or events without a route."""
    if log_query.lists_events:
        return Event.objects.of(tenant).filter(log_query.indexed_filter)
    return readable_deliveries().filter(
        tenant_condition(Delivery, tenant), log_query.indexed_filter
    )


def build_page(
    tenant: Tenant,
    log_query: LogQuery,
    cursor: Cursor,
    limits: Limits = Limits(),
    budget: Budget | None = None,
) -> Page:
    """Return one page of the log.

    budget: the steps that several pages share; by default each page has `limits.steps`.
    """
    is_backwards, size = cursor.before is not None, limits.rows
    rows = filter_after_cursor(filter_log(tenant, log_query), cursor).order_by(
        "pk" if is_backwards else "-pk"
    )
    if log_query.unindexed_filter is None:
        return assemble_page(list(rows[: size + 1]), cursor, size)
    scan_limit = find_scan_limit(rows, limits.rows_scanned)
    if scan_limit is not None:
        rows = rows.filter(Q(pk__lte=scan_limit[0]) if is_backwards else Q(pk__gte=scan_limit[0]))
    narrowed_rows = rows.filter(log_query.unindexed_filter)
    last_scanned = scan_limit and scan_limit[1]
    if not log_query.reads_bodies:
        return assemble_page(list(narrowed_rows[: size + 1]), cursor, size, last_scanned)
    body_search = BodySearch.of(log_query.data, tenant, budget or Budget(limits.steps))
    matching_rows, stopped_at = search_bodies(narrowed_rows, body_search, size + 1, limits.bodies)
    return assemble_page(matching_rows, cursor, size, stopped_at or last_scanned)


def count_new_rows(
    tenant: Tenant, log_query: LogQuery, after: UUID | None, limits: Limits, max_count: int
) -> tuple[int, bool]:
    """Count the rows added after a row, at most max_count + 1; filters by bodies do not apply.

    Also return whether there are more new rows than filters without an index examine.
    """
    rows = filter_log(tenant, log_query)
    if after:
        rows = rows.filter(public_id__gt=after)
    scan_limit = None
    if log_query.unindexed_filter is not None:
        scan_limit = find_scan_limit(rows.order_by("-pk"), limits.rows_scanned)
        if scan_limit is not None:
            rows = rows.filter(pk__gte=scan_limit[0])
        rows = rows.filter(log_query.unindexed_filter)
    count = rows.order_by().values("pk")[: max_count + 1].count()
    return count, after is not None and scan_limit is not None


def assemble_page(
    rows_found: list[Any], cursor: Cursor, size: int, last_scanned: UUID | None = None
) -> Page:
    """Build a page from at most size + 1 rows.

    last_scanned: the row at which a scan ended early; None if the scan reached the last row.
    """
    has_more, rows = len(rows_found) > size, rows_found[:size]
    if cursor.before is not None:
        rows.reverse()
        newer = rows[0].public_id if rows and has_more else last_scanned
        return Page(rows, newer, rows[-1].public_id if rows else cursor.before)
    newer = rows[0].public_id if rows and cursor.after else None
    older = rows[-1].public_id if has_more else last_scanned
    return Page(rows, newer, older, is_incomplete=not has_more and last_scanned is not None)


def filter_after_cursor(rows: QuerySet[Any], cursor: Cursor) -> QuerySet[Any]:
    """Return the rows after the cursor; none if the cursor's row was pruned.

    Rows are pruned oldest first, so the older rows are gone, too.
    """
    if cursor.before:
        return rows.filter(pk__gt=find_cursor_row(rows, cursor.before))
    return rows.filter(pk__lt=find_cursor_row(rows, cursor.after)) if cursor.after else rows


def find_cursor_row(rows: QuerySet[Any], public_id: UUID) -> QuerySet[Any]:
    cursor_row: QuerySet[Any] = rows.model.unscoped.filter(public_id=public_id).values("pk")[:1]
    return cursor_row


def find_scan_limit(rows: QuerySet[Any], rows_scanned: int) -> tuple[int, UUID] | None:
    """Return the id and public id of the last row to scan; None if there are fewer rows."""
    return next(
        iter(
            rows.select_related(None).values_list("pk", "public_id")[
                rows_scanned - 1 : rows_scanned
            ]
        ),
        None,
    )


# --- bodies of events -----------------------------------------------------------------------------


def search_bodies(
    rows: QuerySet[Any], body_search: BodySearch, max_rows: int, max_bodies: int
) -> tuple[list[Any], UUID | None]:
    """Return the rows whose event matches, and the row at which the scan ended early."""
    event_lookup, lookup_prefix = ("event_id", "event__") if rows.model is Delivery else ("pk", "")
    event_rows = rows.values_list(
        "pk", "public_id", event_lookup, *(lookup_prefix + name for name in EventRow._fields[3:])
    )
    matching_ids: list[int] = []  # few rows match, so only these are read whole
    last: UUID | None = None
    for start in range(0, max_bodies, BODIES_PER_BATCH):
        end = min(max_bodies, start + BODIES_PER_BATCH)
        batch = [EventRow(*values) for values in event_rows[start:end]]
        body_by_event = dict(
            EventBody.objects.filter(
                pk__in={event_row.event_pk for event_row in batch}
            ).values_list("pk", "body")
        )
        for event_row in batch:
            if event_row.event_pk in body_by_event and body_search.matches_body(
                event_row, bytes(body_by_event[event_row.event_pk])
            ):
                matching_ids.append(event_row.pk)
            # the next page begins with this row, unless that alone is too much for a page
            if body_search.is_exhausted:
                return list(
                    rows.filter(pk__in=matching_ids[:max_rows])
                ), last or event_row.public_id
            last = event_row.public_id
        if len(matching_ids) >= max_rows or len(batch) < end - start:
            return list(rows.filter(pk__in=matching_ids[:max_rows])), None
    return list(rows.filter(pk__in=matching_ids)), batch[-1].public_id
