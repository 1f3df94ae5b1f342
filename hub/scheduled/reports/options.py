"""The options of a report: figures, period, and message.

Every option has a default: without options, a report shows last week's orders by day.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from connectors.base import Connector
from connectors.conditions import Condition, parse_conditions
from connectors.registry import CONNECTORS
from connectors.report_sources import RecordFigures, StatusFigures
from hub.mappings.mapping_actions import check_mapping_body
from hub.scheduled.jobs.option_errors import NOT_AN_OBJECT, NOT_ONE_OF, REQUIRED
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

OWN = "own"  # the kind of a query of what the hub counts itself
FUNCTIONS = ("count", "sum", "avg", "min", "max")
ADDITIVE_FUNCTIONS = ("count", "sum")
# how the figures of a period are split unless the options say otherwise
DEFAULT_SPLITS = {"last_day": "", "last_week": "day", "last_month": "week", "last_quarter": "month"}
SPLIT_CHECK = one_of("", *NEXT_PARTS)


def check_conditions(value: Any, path: str, errors: Errors) -> None:
    """Check conditions as those of a side of a reconciliation."""
    errors.update(find_condition_errors(value, path))


MEASURE_SECTION = Section(
    {"name": check_short_text, "function": one_of(*FUNCTIONS), "field": check_name}, ("function",)
)
# what is read from other systems, by the kind of its query
RECORD_FIGURES: Mapping[str, RecordFigures] = {
    source.kind: source
    for connector in CONNECTORS.values()
    if isinstance(source := connector.report_source, RecordFigures)
}
STATUS_FIGURES: Mapping[str, StatusFigures] = {
    source.kind: source
    for connector in CONNECTORS.values()
    if isinstance(source := connector.report_source, StatusFigures)
}
QUERIED_CONNECTORS: Mapping[str, Connector] = {
    connector.report_source.kind: connector
    for connector in CONNECTORS.values()
    if connector.report_source
}
# where a report is sent unless its options say otherwise
MESSAGE_CONNECTOR, MESSAGE_ACTION = next(
    (connector.key, action.key)
    for connector in CONNECTORS.values()
    for action in connector.actions
    if action.report_mapping
)


def _build_record_section(source: RecordFigures) -> Section:
    return Section(
        {
            "kind": one_of(source.kind),
            "object": check_name,
            "time_field": check_name,
            "time_type": one_of("datetime", "date"),
            "measures": list_of(MEASURE_SECTION, maximum=6),
            "where": texts_by_name(check_name, maximum=10),
            "conditions": check_conditions,
            "group_by": check_name,
            "split": SPLIT_CHECK,
        }
    )


def _build_status_section(source: StatusFigures) -> Section:
    statuses = list_of(one_of(*source.statuses), maximum=len(source.statuses))
    filters = dict.fromkeys(source.filter_names, check_digits)
    return Section({"kind": one_of(source.kind), "statuses": statuses, **filters})


QUERY_SECTIONS: Mapping[str, Section] = {
    **{kind: _build_record_section(source) for kind, source in RECORD_FIGURES.items()},
    **{kind: _build_status_section(source) for kind, source in STATUS_FIGURES.items()},
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
        errors[path] = _(NOT_AN_OBJECT)
        return
    kind = value.get("kind")
    if kind is not None and (not isinstance(kind, str) or kind not in QUERY_SECTIONS):
        errors[join_path(path, "kind")] = _(NOT_ONE_OF) % ", ".join(QUERY_SECTIONS)
        return
    attempts: list[Errors] = []
    for section in [QUERY_SECTIONS[kind]] if kind else QUERY_SECTIONS.values():
        attempts.append({})
        section(value, path, attempts[-1])
    fewest: Errors = min(attempts, key=len)
    errors.update(fewest)


def check_object(value: Any, path: str, errors: Errors) -> None:
    if not isinstance(value, Mapping):
        errors[path] = _(NOT_AN_OBJECT)


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


@dataclass(frozen=True, slots=True)
class MeasureOptions:
    function: str
    field: str
    name: str


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """The query of a report; the kind determines which fields apply."""

    kind: str
    object: str = ""
    time_field: str = ""
    time_type: str = "datetime"
    measures: tuple[MeasureOptions, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    group_by: str = ""
    split: str = ""
    statuses: tuple[str, ...] = ()
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
    needed = QUERIED_CONNECTORS.get(parsed.query.kind)
    if needed and needed.key != connector_key:
        errors["query.kind"] = _("This query needs a job of %s.") % needed.label
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
    source = RECORD_FIGURES.get(query.kind)
    reserved = PAGE_REQUEST_ARGUMENTS | (source.parameter_names if source else set())
    for name in query.where:
        if name in reserved:
            errors[f"query.where.{name}"] = _("This name cannot be used here.")


def _check_measures(options: ReportOptions, errors: Errors) -> None:
    names = [measure.name for measure in options.query.measures]
    for position, measure in enumerate(options.query.measures):
        path = f"query.measures[{position}]"
        if measure.function != "count" and not measure.field:
            errors[f"{path}.field"] = _(REQUIRED)
        if names.count(measure.name) > 1:
            errors[f"{path}.name"] = _("Two measures have this name.")
    if options.query.kind in RECORD_FIGURES and options.chart_measure not in ("", *names):
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
            message.get("connector", MESSAGE_CONNECTOR),
            message.get("action", MESSAGE_ACTION),
            message.get("channel", ""),
            message.get("mapping") or {},
        ),
    )


def _parse_query(query: Mapping[str, Any], connector_key: str, split: str) -> QueryOptions:
    kind = query.get("kind") or find_usual_kind(connector_key)
    if source := STATUS_FIGURES.get(kind):
        return QueryOptions(
            kind,
            statuses=tuple(query.get("statuses") or source.statuses),
            filters={name: query[name] for name in source.filter_names if query.get(name)},
        )
    group_by = query.get("group_by", "")
    parsed = QueryOptions(
        kind,
        group_by=group_by,
        split=query.get("split", "" if group_by else split),
        counted_rows=query.get("count", "orders"),
    )
    return _add_records(parsed, query, RECORD_FIGURES[kind]) if kind in RECORD_FIGURES else parsed


def find_usual_kind(connector_key: str) -> str:
    """Return the kind of the query of a report without one, by the connector of its job."""
    connector = CONNECTORS.get(connector_key)
    return connector.report_source.kind if connector and connector.report_source else OWN


def _add_records(
    parsed: QueryOptions, query: Mapping[str, Any], source: RecordFigures
) -> QueryOptions:
    """Add what is read of the records: by default the number of orders and their value."""
    usual = (
        MeasureOptions("count", "", _("Orders")),
        MeasureOptions("sum", source.value_field, _("Value")),
    )
    return replace(
        parsed,
        object=query.get("object") or source.object,
        time_field=query.get("time_field") or source.time_field,
        time_type=query.get("time_type", "datetime"),
        measures=tuple(map(_parse_measure, query.get("measures") or ())) or usual,
        where=query.get("where") or {},
        conditions=parse_conditions(query.get("conditions", ())),
    )


def _parse_measure(measure: Mapping[str, str]) -> MeasureOptions:
    function, name = measure["function"], measure.get("field", "")
    default = _("Count") if function == "count" else f"{function} {name}".strip()
    return MeasureOptions(function, name, measure.get("name") or default)
