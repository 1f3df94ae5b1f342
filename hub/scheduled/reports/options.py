"""The options of a report: figures, period, and message.

Every option has a default: without options, a report shows last week's orders by day in Slack.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from connectors.conditions import Condition, parse_conditions
from connectors.registry import CONNECTORS
from hub.mappings.mapping_actions import check_mapping_body
from hub.scheduled.reading.condition_checks import find_condition_errors
from hub.scheduled.reading.requests import PAGE_REQUEST_ARGUMENTS
from hub.scheduled.reports.option_fields import (
    Errors,
    Section,
    check_digits,
    check_flag,
    check_name,
    check_short_text,
    check_text,
    join_path,
    list_of,
    one_of,
    texts_by_name,
)
from hub.scheduled.reports.periods import NEXT_PARTS, PERIODS

SOQL, SUMMARY, OWN = "soql", "pipedrive_summary", "own"
FUNCTIONS = ("count", "sum", "avg", "min", "max")
ADDITIVE_FUNCTIONS = ("count", "sum")
# how the figures of a period are split unless the options say otherwise
DEFAULT_SPLITS = {"last_day": "", "last_week": "day", "last_month": "week", "last_quarter": "month"}
RESERVED_PARAMETERS = PAGE_REQUEST_ARGUMENTS | {
    "object",
    "select",
    "group_by",
    "date_field",
    "since",
    "until",
    "page_size",
    "conditions",
}
SPLIT_CHECK = one_of("", *NEXT_PARTS)


def check_conditions(value: Any, path: str, errors: Errors) -> None:
    """Check conditions as those of a side of a reconciliation."""
    errors.update(find_condition_errors(value, path))


MEASURE_SECTION = Section(
    {"name": check_short_text, "function": one_of(*FUNCTIONS), "field": check_name}, ("function",)
)
QUERY_SECTIONS: Mapping[str, Section] = {
    SOQL: Section(
        {
            "kind": one_of(SOQL),
            "object": check_name,
            "time_field": check_name,
            "time_type": one_of("datetime", "date"),
            "measures": list_of(MEASURE_SECTION, maximum=6),
            "where": texts_by_name(check_name, maximum=10),
            "conditions": check_conditions,
            "group_by": check_name,
            "split": SPLIT_CHECK,
        }
    ),
    SUMMARY: Section(
        {
            "kind": one_of(SUMMARY),
            "statuses": list_of(one_of("open", "won", "lost"), maximum=3),
            "filter_id": check_digits,
            "pipeline_id": check_digits,
        }
    ),
    OWN: Section(
        {
            "kind": one_of(OWN),
            "count": one_of("orders", "events", "deliveries"),
            "group_by": one_of("", "type", "state", "connector"),
            "split": SPLIT_CHECK,
        }
    ),
}


def check_query(value: Any, path: str, errors: Errors) -> None:
    """Check a query by its kind; if it has none, by the kind whose fields fit best."""
    if not isinstance(value, Mapping):
        errors[path] = _("This must be an object.")
        return
    kind = value.get("kind")
    if kind is not None and (not isinstance(kind, str) or kind not in QUERY_SECTIONS):
        errors[join_path(path, "kind")] = _("This must be one of: %s.") % ", ".join(QUERY_SECTIONS)
        return
    attempts: list[Errors] = []
    for section in [QUERY_SECTIONS[kind]] if kind else QUERY_SECTIONS.values():
        attempts.append({})
        section(value, path, attempts[-1])
    fewest: Errors = min(attempts, key=len)
    errors.update(fewest)


def check_object(value: Any, path: str, errors: Errors) -> None:
    if not isinstance(value, Mapping):
        errors[path] = _("This must be an object.")


REPORT_SECTION = Section(
    {
        "query": check_query,
        "period": one_of(*PERIODS),
        "title": check_text,
        "chart": Section({"show": check_flag, "measure": check_text}),
        "message": Section(
            {
                "connector": one_of(*CONNECTORS),
                "action": check_text,
                "channel": check_text,
                "mapping": check_object,  # and as one of its action, below
            }
        ),
    }
)
# by the connector of the job, the query of a report without one
DEFAULT_QUERIES: Mapping[str, str] = {"salesforce": SOQL, "pipedrive": SUMMARY}
QUERIED_CONNECTORS: Mapping[str, str] = {SOQL: "salesforce", SUMMARY: "pipedrive"}


@dataclass(frozen=True, slots=True)
class MeasureOptions:
    function: str
    field: str
    name: str


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """The query of a report; the kind determines which fields apply."""

    kind: str
    object: str = "Order"
    time_field: str = "CreatedDate"
    time_type: str = "datetime"
    measures: tuple[MeasureOptions, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    group_by: str = ""
    split: str = ""
    statuses: tuple[str, ...] = ("open", "won", "lost")
    filters: Mapping[str, str] = field(default_factory=dict)
    counted_rows: str = "orders"


@dataclass(frozen=True, slots=True)
class MessageOptions:
    """The options of the message. `mapping`: "": the one that the action suggests for reports."""

    connector: str
    action: str
    channel: str
    mapping: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReportOptions:
    query: QueryOptions
    period: str
    title: str
    shows_chart: bool
    chart_measure: str
    message: MessageOptions


def check_report_options(options: Any, connector_key: str) -> Errors:
    """Return the errors of a report's options by path; empty if they are valid."""
    errors: Errors = {}
    REPORT_SECTION(options, "", errors)
    if errors:
        return errors
    parsed = parse_report_options(options, connector_key)
    needed = QUERIED_CONNECTORS.get(parsed.query.kind, connector_key)
    if needed != connector_key:
        errors["query.kind"] = _("This query needs a job of %s.") % CONNECTORS[needed].label
    _check_grouping(parsed, errors)
    _check_measures(parsed, errors)
    _check_message(parsed.message, errors)
    return errors


def _check_grouping(options: ReportOptions, errors: Errors) -> None:
    query = options.query
    if query.group_by and query.split:
        errors["query.group_by"] = _("Select either group_by or split.")
    if query.split == "day" and options.period == "last_quarter":
        errors["query.split"] = _("A quarter can be split into weeks or months.")
    allowed = {"orders": ("",), "events": ("", "type"), "deliveries": ("", "state", "connector")}
    if query.kind == OWN and query.group_by not in allowed[query.counted_rows]:
        errors["query.group_by"] = _("%s cannot be grouped by this.") % query.counted_rows
    for name in query.where:
        if name in RESERVED_PARAMETERS:
            errors[f"query.where.{name}"] = _("This name cannot be used here.")


def _check_measures(options: ReportOptions, errors: Errors) -> None:
    names = [measure.name for measure in options.query.measures]
    for position, measure in enumerate(options.query.measures):
        path = f"query.measures[{position}]"
        if measure.function != "count" and not measure.field:
            errors[f"{path}.field"] = _("This is required.")
        if names.count(measure.name) > 1:
            errors[f"{path}.name"] = _("Two measures have this name.")
    if options.query.kind == SOQL and options.chart_measure not in ("", *names):
        errors["chart.measure"] = _("There is no such measure.")


def _check_message(message: MessageOptions, errors: Errors) -> None:
    connector = CONNECTORS[message.connector]
    if connector.is_for_platform:  # its route and mapping would be visible to all tenants
        errors["message.connector"] = _("Reports are sent to a system of the tenant.")
        return
    try:
        action = connector.action(message.action)
    except LookupError:
        errors["message.action"] = _("This system has no such action.")
        return
    if not message.mapping and not action.report_mapping and not action.default:
        errors["message.mapping"] = _("This action needs a mapping.")
        return
    if message.mapping:
        try:
            check_mapping_body(message.connector, message.action, message.mapping)
        except ValidationError as error:
            errors["message.mapping"] = " ".join(error.messages)


def parse_report_options(options: Mapping[str, Any], connector_key: str) -> ReportOptions:
    """Return checked options, with the defaults of a job of this connector."""
    chart, message = options.get("chart") or {}, options.get("message") or {}
    period = options.get("period", "last_week")
    return ReportOptions(
        _parse_query(options.get("query") or {}, connector_key, DEFAULT_SPLITS[period]),
        period,
        options.get("title", ""),
        chart.get("show", True),
        chart.get("measure", ""),
        MessageOptions(
            message.get("connector", "slack"),
            message.get("action", "post_message"),
            message.get("channel", ""),
            message.get("mapping") or {},
        ),
    )


def _parse_query(query: Mapping[str, Any], connector_key: str, split: str) -> QueryOptions:
    kind = query.get("kind") or DEFAULT_QUERIES.get(connector_key, OWN)
    group_by = query.get("group_by", "")
    is_whole = bool(group_by) or kind == SUMMARY
    filters = {name: query[name] for name in ("filter_id", "pipeline_id") if query.get(name)}
    return QueryOptions(
        kind,
        object=query.get("object") or "Order",
        time_field=query.get("time_field") or "CreatedDate",
        time_type=query.get("time_type", "datetime"),
        measures=_parse_measures(query.get("measures")) if kind == SOQL else (),
        where=query.get("where") or {},
        conditions=parse_conditions(query.get("conditions", ())),
        group_by=group_by,
        split=query.get("split", "" if is_whole else split),
        statuses=tuple(query.get("statuses") or ("open", "won", "lost")),
        filters=filters,
        counted_rows=query.get("count", "orders"),
    )


def _parse_measures(measures: Sequence[Mapping[str, str]] | None) -> tuple[MeasureOptions, ...]:
    """Return the measures: by default the number of orders and their value."""
    if not measures:
        return (
            MeasureOptions("count", "", _("Orders")),
            MeasureOptions("sum", "TotalAmount", _("Value")),
        )
    return tuple(map(_parse_measure, measures))


def _parse_measure(measure: Mapping[str, str]) -> MeasureOptions:
    function, name = measure["function"], measure.get("field", "")
    default = _("Count") if function == "count" else f"{function} {name}".strip()
    return MeasureOptions(function, name, measure.get("name") or default)
