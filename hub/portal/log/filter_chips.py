"""Links of the log: its current filters, each removable, and the preset views."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from hub.portal.log.query import NO_ROUTE, NO_ROUTE_LABEL, TIME_SPANS, LogQuery

CODE_FIELDS = ("state", "reason")
# the position in the list, which links with other filters drop
CURSOR_PARAMETERS = ("after", "before")
PRESET_VIEWS: tuple[tuple[Promise, dict[str, str]], ...] = (
    (gettext_lazy("All"), {}),
    (gettext_lazy("Failed"), {"state": "failed"}),
    (gettext_lazy("Held"), {"state": "held"}),
    (gettext_lazy("Waiting"), {"state": "waiting"}),
    (gettext_lazy("Skipped"), {"state": "skipped"}),
    (gettext_lazy("No matching route"), {"state": "no_route"}),
)


@dataclass(frozen=True, slots=True)
class LogLink:
    label: str
    query: str
    is_current: bool = False


def keep_parameters(data: Mapping[str, str], without: tuple[str, ...] = ()) -> dict[str, str]:
    return {
        name: value
        for name, value in data.items()
        if value and name not in (*CURSOR_PARAMETERS, *without)
    }


def build_query_string(
    data: Mapping[str, str], without: tuple[str, ...] = (), **changes: Any
) -> str:
    return "?" + urlencode(
        keep_parameters(data, without)
        | {name: str(value) for name, value in changes.items() if value}
    )


def build_filter_chips(
    log_query: LogQuery, data: Mapping[str, str], zone: ZoneInfo
) -> list[LogLink]:
    """Return one chip for each filter, with a link that removes the filter."""
    return [
        LogLink(
            f"{log_query.form.fields[name].label}: "
            f"{format_chip_value(log_query, name, value, zone)}",
            "?" + urlencode(keep_parameters(data, (name,))),
        )
        for name, value in log_query.data.items()
    ]


def format_chip_value(log_query: LogQuery, name: str, value: Any, zone: ZoneInfo) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M}"
    if name == "connection":
        return str(log_query.form.names.get(value, value))
    if name == "span":
        return str(TIME_SPANS[value][0])
    if name in CODE_FIELDS:
        return str(NO_ROUTE_LABEL) if value == NO_ROUTE else str(value).replace("_", " ")
    return str(value)


def list_preset_views(log_query: LogQuery) -> list[LogLink]:
    return [
        LogLink(str(label), "?" + urlencode(parameters), dict(log_query.data) == parameters)
        for label, parameters in PRESET_VIEWS
    ]
