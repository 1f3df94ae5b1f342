"""Queries of reports on our own data: orders of our application, events and deliveries."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from connectors.roles import parse_instant
from hub.outgoing.models import Delivery, Event
from hub.scheduled.reports.figures import (
    Figures,
    Measure,
    Row,
    build_figures,
    clean_currency,
    list_currency_measures,
    parse_figure,
)
from hub.scheduled.reports.options import QueryOptions
from hub.scheduled.reports.periods import Period, format_part, split_period
from hub.scheduled.reports.queries import read_all
from hub.scheduled.runs.context import RunContext, RunFailed

BATCH_SIZE = 5_000  # rows of one statement
# rows are numbered when they are inserted, so an earlier number may have a slightly later time
TIME_TOLERANCE = timedelta(hours=1)
MAX_ORDERS = 500_000
TOO_LARGE = "report_too_large"

Parts = Sequence[tuple[str, datetime, datetime]]  # label, beginning, end
CountedRow = tuple[int, datetime, str]  # id, when it was accepted, its group


async def read_own_figures(context: RunContext, query: QueryOptions, period: Period) -> Figures:
    """Return the counts of the tenant's orders, events or deliveries in the period."""
    parts = split_period(period, query.split) if query.split else [period]
    bounds = [(format_part(part), part.start, part.end) for part in parts]
    if query.counted_rows == "orders":
        return await _read_orders(context, bounds)
    counts = await _count_rows(context, query, period, bounds)
    labels = sorted(counts) if query.group_by else [label for label, _start, _end in bounds]
    rows = [Row(label, (Decimal(counts[label]),)) for label in labels]
    names = {"events": _("Events"), "deliveries": _("Deliveries")}
    heading = {"type": _("Type"), "state": _("State"), "connector": _("System")}
    return build_figures(
        heading.get(query.group_by, _("Day")), [Measure(names[query.counted_rows])], rows
    )


async def _read_orders(context: RunContext, parts: Parts) -> Figures:
    """Return the number of orders in each part of the period, and their total in each currency.

    Orders placed in the period have changed since its beginning, so unchanged older ones are not
    read. An order that changes meanwhile may be read twice, and is counted once.
    """
    connection = await context.find_connection("app")
    counts: Counter[str] = Counter()
    totals: defaultdict[str, defaultdict[str, Decimal]]
    totals = defaultdict(lambda: defaultdict(Decimal))
    seen: set[str] = set()
    parameters = {"since": parts[0][1].isoformat()}
    async for order in read_all(context, connection, "orders", parameters):
        part = find_part(parts, parse_instant(order.get("placed_at")))
        number = str(order["number"])
        if part is None or number in seen:
            continue
        seen.add(number)
        if len(seen) > MAX_ORDERS:
            raise RunFailed(TOO_LARGE, can_retry=False)
        counts[part] += 1
        total = parse_figure(order.get("total")) or Decimal()
        totals[clean_currency(order.get("currency"))][part] += total
    currencies = sorted(totals, key=lambda currency: (not currency, currency))
    measures = [Measure(_("Orders")), *list_currency_measures(currencies)]
    rows = [
        Row(label, (Decimal(counts[label]), *(totals[one][label] for one in currencies)))
        for label, _start, _end in parts
    ]
    return build_figures(_("Day"), measures, rows)


def find_part(parts: Parts, at: datetime | None) -> str | None:
    """Return the label of the part to which a moment belongs; None if it belongs to none."""
    if at is None:
        return None
    return next((label for label, start, end in parts if start <= at < end), None)


async def _count_rows(
    context: RunContext, query: QueryOptions, period: Period, parts: Parts
) -> Counter[str]:
    """Count the rows by part, or by group, from the newest back to the beginning of the period.

    Each batch is one query that uses an index.
    """
    read = {"events": _list_events, "deliveries": _list_deliveries}[query.counted_rows]
    counts: Counter[str] = Counter()
    before: int | None = None
    while True:
        batch = await context.in_database(_bind(read, context.tenant.pk, query.group_by, before))
        for _id, at, group in batch:
            if period.start <= at < period.end:
                counts[group if query.group_by else find_part(parts, at) or ""] += 1
        if len(batch) < BATCH_SIZE or _is_before(batch, period.start):
            return counts
        before = batch[-1][0]
        await context.save({}, done=counts.total())


def _bind(
    read: Callable[[int, str, int | None], list[CountedRow]],
    tenant_id: int,
    group_by: str,
    before: int | None,
) -> Callable[[], list[CountedRow]]:
    return lambda: read(tenant_id, group_by, before)


def _is_before(batch: Iterable[CountedRow], start: datetime) -> bool:
    return all(at < start - TIME_TOLERANCE for _id, at, _group in batch)


def _list_events(tenant_id: int, group_by: str, before: int | None) -> list[CountedRow]:
    rows = Event.unscoped.filter(tenant=tenant_id)
    return list(_take_batch(rows, "type", before))


GROUPS = {"state": "state", "connector": "route__connector_key"}


def _list_deliveries(tenant_id: int, group_by: str, before: int | None) -> list[CountedRow]:
    rows = Delivery.unscoped.filter(tenant=tenant_id)
    return list(_take_batch(rows, GROUPS.get(group_by, "state"), before))


def _take_batch(rows: Any, group: str, before: int | None) -> Iterator[CountedRow]:
    """Yield the next rows with smaller ids, newest first."""
    if before is not None:
        rows = rows.filter(pk__lt=before)
    yield from rows.order_by("-pk").values_list("pk", "accepted_at", group)[:BATCH_SIZE]
