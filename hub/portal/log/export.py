"""The log as a file: CSV or NDJSON, written row by row, never more than a limit."""

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

from hub.mappings.translate import Budget
from hub.portal.log.asked import Asked
from hub.portal.log.lines import Line, line_of
from hub.portal.log.pages import Cursor, Limits, page_of
from tenants.models import Tenant

ROWS_MOST, PAGES_MOST, AT_ONCE = 10_000, 100, 500
STEPS = 3_000_000  # of all pages together: about two seconds
CUT = "The export ends here, and there may be more: narrow the filter, or export earlier events by the time."
COLUMNS = (
    "id", "event", "sender_id", "type", "state", "reason", "sentence", "target", "attempt_count",
    "accepted_at", "state_changed_at",
)  # fmt: skip
# What a spreadsheet would work out: a sign of a formula, wide or not, alone or behind what the spreadsheet skips or
# takes for the end of a cell.
FORMULA = re.compile(r"[\t\r\n]|[\s'\"“”,;|]*[=+\-@＝＋－＠−]")


def exported(tenant: Tenant, asked: Asked, *, steps: int = STEPS) -> Iterator[Line | None]:
    """None last where there may be more."""
    cursor, count, budget = Cursor(), 0, Budget(steps)
    for _ in range(PAGES_MOST):
        page = page_of(tenant, asked, cursor, Limits(rows=min(AT_ONCE, ROWS_MOST - count)), budget)
        yield from map(line_of, page.rows)
        count += len(page.rows)
        if page.older is None:
            return
        if count >= ROWS_MOST or budget.left < 0:
            break
        cursor = Cursor(after=page.older)
    yield None


def told(line: Line) -> dict[str, Any]:
    said = {name: getattr(line, name) for name in COLUMNS}
    said |= {name: getattr(line, name).isoformat() for name in ("accepted_at", "state_changed_at")}
    return said | {"id": str(line.id), "event": str(line.event)}


def as_ndjson(lines: Iterator[Line | None]) -> Iterator[str]:
    for line in lines:
        yield json.dumps(told(line) if line else {"cut": CUT}, ensure_ascii=False) + "\n"


def as_csv(lines: Iterator[Line | None]) -> Iterator[str]:
    yield row_of(COLUMNS)
    for line in lines:
        yield row_of([harmless(value) for value in told(line).values()] if line else [CUT])


def row_of(values: Any) -> str:
    place = io.StringIO()
    csv.writer(place, quoting=csv.QUOTE_ALL).writerow(values)
    return place.getvalue()


def harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value


WAYS = {"csv": (as_csv, "text/csv; charset=utf-8"), "ndjson": (as_ndjson, "application/x-ndjson")}
