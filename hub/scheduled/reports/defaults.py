"""Reports that work without further options."""

from collections.abc import Mapping
from typing import Any

MONDAY_MORNING = "0 9 * * 1"  # in each tenant's time zone


def build_weekly_sales(connector_key: str, *, channel: str = "") -> Mapping[str, Any]:
    """Return the columns of a job that reports last week's orders every Monday at nine.

    `connector_key`: of the system with the orders, which may be our own application. `channel`:
    empty, the one that is identity `reports` of kind `channel`.
    """
    return {
        "kind": "report",
        "name": "Weekly sales",
        "connector_key": connector_key,
        "cron": MONDAY_MORNING,
        "options": {
            "period": "last_week",
            "title": "Sales of last week",
            "message": {"channel": channel},
        },
    }
