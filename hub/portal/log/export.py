"""Export the log as CSV or NDJSON, row by row, up to a limit."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from hub.audit import ActorContext
from hub.csv_cells import escape_formula, format_csv_row
from hub.mappings.translate import Budget
from hub.outgoing.insight.log_rows import LogRow, build_log_row
from hub.portal.log.pages import Cursor, Limits, build_page
from hub.portal.log.query import LogQuery
from tenants.models import Tenant

MAX_ROWS, MAX_PAGES, ROWS_PER_PAGE = 10_000, 100, 500
MAX_STEPS = 3_000_000  # of all pages together: about two seconds
TRUNCATION_NOTE = (
    "The export ends here, but there may be more events. Narrow the filter, or export "
    "earlier events by limiting the period."
)
EXPORT_COLUMNS = (
    "id",
    "event",
    "sender_id",
    "type",
    "state",
    "reason",
    "sentence",
    "target",
    "attempt_count",
    "accepted_at",
    "state_changed_at",
)


def export_rows(
    tenant: Tenant, log_query: LogQuery, *, steps: int = MAX_STEPS
) -> Iterator[LogRow | None]:
    """Yield the rows of the log; the last value is None if the export ends before the last row."""
    cursor, count, budget = Cursor(), 0, Budget(steps)
    for _ in range(MAX_PAGES):
        page = build_page(
            tenant, log_query, cursor, Limits(rows=min(ROWS_PER_PAGE, MAX_ROWS - count)), budget
        )
        yield from map(build_log_row, page.rows)
        count += len(page.rows)
        if page.older is None:
            return
        if count >= MAX_ROWS or budget.remaining_steps < 0:
            break
        cursor = Cursor(after=page.older)
    yield None


def serialize_log_row(log_row: LogRow) -> dict[str, Any]:
    values = {name: getattr(log_row, name) for name in EXPORT_COLUMNS}
    values |= {
        name: getattr(log_row, name).isoformat() for name in ("accepted_at", "state_changed_at")
    }
    return values | {"id": str(log_row.id), "event": str(log_row.event)}


def write_ndjson(log_rows: Iterator[LogRow | None]) -> Iterator[str]:
    for log_row in log_rows:
        yield (
            json.dumps(
                serialize_log_row(log_row) if log_row else {"cut": TRUNCATION_NOTE},
                ensure_ascii=False,
            )
            + "\n"
        )


def write_csv(log_rows: Iterator[LogRow | None]) -> Iterator[str]:
    yield format_csv_row(EXPORT_COLUMNS)
    for log_row in log_rows:
        yield format_csv_row(
            [escape_formula(value) for value in serialize_log_row(log_row).values()]
            if log_row
            else [TRUNCATION_NOTE]
        )


class ExportFormat(NamedTuple):
    write: Callable[[Iterator[LogRow | None]], Iterator[str]]
    content_type: str


EXPORT_FORMATS = {
    "csv": ExportFormat(write_csv, "text/csv; charset=utf-8"),
    "ndjson": ExportFormat(write_ndjson, "application/x-ndjson"),
}


def export_log(
    tenant: Tenant, log_query: LogQuery, kind: str, actor: ActorContext, *, now: datetime
) -> Iterator[str]:
    """Return the lines of the export, which are read while it is sent; audit it with its filters.

    `kind` is a key of EXPORT_FORMATS.
    """
    filters = {name: str(value) for name, value in log_query.data.items()}
    actor.audit(
        "deliveries.export", tenant, tenant=tenant, after={"kind": kind, **filters}, now=now
    )
    return EXPORT_FORMATS[kind].write(export_rows(tenant, log_query))
