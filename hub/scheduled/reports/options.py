"""The options of a report: figures, period, and message.

Every option has a default: without options, a report shows last week's orders by day.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from connectors.base import Connector
from connectors.conditions import Condition, parse_conditions
from connectors.registry import CONNECTORS
from connectors.report_sources import RecordFigures, StatusFigures
from hub.mappings.mapping_actions import check_mapping_body
from hub.scheduled.jobs.option_errors import REQUIRED
from hub.scheduled.jobs.option_schema import (
    ChoiceOption,
    ChoicesOption,
    FlagOption,
    JobOptions,
    KindSection,
    Label,
    ListOption,
    Option,
    Problems,
    Section,
    TextOption,
)
from hub.scheduled.reading.condition_options import ConditionsOption
from hub.scheduled.reading.requests import PAGE_REQUEST_ARGUMENTS
from hub.scheduled.reports.periods import NEXT_PARTS

OWN = "own"  # the kind of a query of what the hub counts itself
FUNCTIONS = ("count", "sum", "avg", "min", "max")
ADDITIVE_FUNCTIONS = ("count", "sum")
# how the figures of a period are split unless the options say otherwise
DEFAULT_SPLITS = {"last_day": "", "last_week": "day", "last_month": "week", "last_quarter": "month"}
NAME_PATTERN = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9_]{0,79}(\.[A-Za-z][A-Za-z0-9_]{0,79}){0,5})?", re.ASCII
)
OWN_GROUPS = {"orders": ("",), "events": ("", "type"), "deliveries": ("", "state", "connector")}
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


def find_usual_kind(connector_key: str) -> str:
    """Return the kind of the query of a report without one, by the connector of its job."""
    connector = CONNECTORS.get(connector_key)
    return connector.report_source.kind if connector and connector.report_source else OWN


def _list_kinds(connector_key: str) -> Mapping[str, Label]:
    """Return what a job of the connector can report: its figures, and what the hub counts."""
    source = CONNECTORS[connector_key].report_source
    return {**({source.kind: source.label} if source else {}), OWN: _("What the hub counts itself")}


def _name(key: str, **settings: Any) -> TextOption:
    """Declare the name of a field or an object; an empty one selects none."""
    problem = _("This must be the name of a field or an object.")
    return TextOption(key, is_valid=NAME_PATTERN.fullmatch, problem=problem, **settings)


MEASURE = Section(
    options=(
        ChoiceOption("function", is_required=True, choices=FUNCTIONS),
        _name("field"),
        TextOption("name", maximum=30),
    )
)
WHERE_NAME = _name("where")
SPLIT = ChoiceOption(
    "split", help="Parts of the period; by default those below it.", choices=("", *NEXT_PARTS)
)
GROUP_BY = _name(
    "group_by", label=_("Grouped by"), help=_("A field. Empty: by parts of the period.")
)


def _build_record_section(source: RecordFigures) -> Section:
    reserved = PAGE_REQUEST_ARGUMENTS | source.parameter_names

    def find_name_problem(name: str) -> Label:
        if name in reserved:
            return _("This name cannot be used here.")
        return WHERE_NAME.find_problem(name, "")

    measures = [("count", "", _("Orders")), ("sum", source.value_field, _("Value"))]
    return Section(
        options=(
            _name(
                "object",
                label=_("Object"),
                help=_("Such as Order or Opportunity."),
                default=source.object,
            ),
            _name(
                "time_field",
                label=_("Field with the time"),
                help=_("By which a record belongs to the period, such as CreatedDate."),
                default=source.time_field,
            ),
            ChoiceOption("time_type", choices=("datetime", "date"), default="datetime"),
            ListOption(
                "measures",
                help="By default the number of orders and their value.",
                entry=MEASURE,
                maximum=6,
                default=[
                    dict(zip(("function", "field", "name"), one, strict=True)) for one in measures
                ],
            ),
            Section(
                "where",
                help="Fields with their exact text.",
                others=TextOption(),
                others_max=10,
                find_name_problem=find_name_problem,
            ),
            ConditionsOption("conditions", help="Conditions that the records meet."),
            GROUP_BY,
            SPLIT,
        )
    )


def _build_status_section(source: StatusFigures) -> Section:
    filters = [
        TextOption(
            name,
            is_valid=lambda text: not text or (text.isascii() and text.isdecimal()),
            problem=_("This must be an ID: digits, as text."),
        )
        for name in source.filter_names
    ]
    statuses = ChoicesOption("statuses", choices=source.statuses, default=list(source.statuses))
    return Section(options=(statuses, *filters))


OWN_SECTION = Section(
    options=(
        ChoiceOption(
            "count",
            label=_("What the hub counts"),
            choices={
                "": _("Not counted by the hub"),
                "orders": _("Orders of our application"),
                "events": _("Events"),
                "deliveries": _("Deliveries"),
            },
            default="orders",
        ),
        GROUP_BY,
        SPLIT,
    )
)
QUERY_SECTIONS: Mapping[str, Section] = {
    **{kind: _build_record_section(source) for kind, source in RECORD_FIGURES.items()},
    **{kind: _build_status_section(source) for kind, source in STATUS_FIGURES.items()},
    OWN: OWN_SECTION,
}


def _check_report(options: Mapping[str, Any], connector_key: str) -> Problems:
    parsed = parse_report_options(options, connector_key)
    yield from _check_grouping(parsed)
    yield from _check_measures(parsed)
    yield from _check_message(parsed.message)


def _check_grouping(options: "ReportOptions") -> Problems:
    query = options.query
    if query.group_by and query.split:
        yield "query.group_by", gettext("Select either group_by or split.")
    if query.split == "day" and options.period == "last_quarter":
        yield "query.split", gettext("A quarter can be split into weeks or months.")
    if query.kind == OWN and query.group_by not in OWN_GROUPS[query.counted_rows]:
        text = gettext("%s cannot be grouped by this.") % query.counted_rows
        yield "query.group_by", text


def _check_measures(options: "ReportOptions") -> Problems:
    names = [measure.name for measure in options.query.measures]
    for position, measure in enumerate(options.query.measures):
        path = f"query.measures[{position}]"
        if measure.function != "count" and not measure.field:
            yield f"{path}.field", gettext(REQUIRED)
        if names.count(measure.name) > 1:
            yield f"{path}.name", gettext("Two measures have this name.")
    if options.query.kind in RECORD_FIGURES and options.chart_measure not in ("", *names):
        yield "chart.measure", gettext("There is no such measure.")


def _check_message(message: "MessageOptions") -> Problems:
    connector = CONNECTORS[message.connector]
    if connector.is_for_platform:  # its route and mapping would be visible to all tenants
        yield "message.connector", gettext("Reports are sent to a system of the tenant.")
        return
    try:
        action = connector.action(message.action)
    except LookupError:
        yield "message.action", gettext("This system has no such action.")
        return
    if not message.mapping:
        if not action.report_mapping and not action.default:
            yield "message.mapping", gettext("This action needs a mapping.")
        return
    try:
        check_mapping_body(message.connector, message.action, message.mapping)
    except ValidationError as error:
        yield "message.mapping", " ".join(error.messages)


REPORT_OPTIONS = JobOptions(
    example_connector="salesforce",
    example_title=_("Report: last week's orders by day, in Slack"),
    rule=_check_report,
    options=(
        ChoiceOption(
            "period",
            label=_("Period"),
            choices={
                "last_day": _("Yesterday"),
                "last_week": _("Last week"),
                "last_month": _("Last month"),
                "last_quarter": _("Last quarter"),
            },
            default="last_week",
            example="last_week",
        ),
        TextOption(
            "title",
            label=_("Title"),
            help=_("Empty: the name of the job."),
            example="Sales of last week",
        ),
        KindSection(
            "query",
            kind=ChoiceOption(
                "kind", label=_("What is reported"), choices=_list_kinds, default=find_usual_kind
            ),
            sections=QUERY_SECTIONS,
        ),
        Section(
            "message",
            options=(
                ChoiceOption(
                    "connector",
                    help="Where the report is sent.",
                    choices=tuple(CONNECTORS),
                    default=MESSAGE_CONNECTOR,
                    example=MESSAGE_CONNECTOR,
                ),
                TextOption("action", help="Of the connector.", default=MESSAGE_ACTION),
                TextOption(
                    "channel",
                    label=_("Channel"),
                    help=_("The channel's ID. Empty: as the connection says."),
                    example="C024BE91L",
                ),
                Section(
                    "mapping",
                    help="The fields of the message; by default as the action suggests.",
                    others=Option(),
                ),
            ),
        ),
        Section(
            "chart",
            options=(
                FlagOption("show", label=_("With a chart"), default=True),
                TextOption("measure", help="Its name; by default the second column."),
            ),
        ),
    ),
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


def parse_report_options(options: Mapping[str, Any], connector_key: str) -> ReportOptions:
    """Return checked options, with the defaults of a job of this connector."""
    values = REPORT_OPTIONS.fill(options, connector_key)
    chart, message, query = values["chart"], values["message"], options.get("query") or {}
    return ReportOptions(
        _parse_query(values["query"], "" if "split" in query else DEFAULT_SPLITS[values["period"]]),
        values["period"],
        values["title"],
        chart["show"],
        chart["measure"],
        MessageOptions(**message),
    )


def _parse_query(query: Mapping[str, Any], usual_split: str) -> QueryOptions:
    kind = query["kind"]
    if source := STATUS_FIGURES.get(kind):
        filters = {name: query[name] for name in source.filter_names if query[name]}
        return QueryOptions(kind, statuses=tuple(query["statuses"]), filters=filters)
    group_by = query["group_by"]
    split = query["split"] or ("" if group_by else usual_split)
    if kind == OWN:
        return QueryOptions(kind, group_by=group_by, split=split, counted_rows=query["count"])
    return QueryOptions(
        kind,
        object=query["object"],
        time_field=query["time_field"],
        time_type=query["time_type"],
        measures=tuple(map(_parse_measure, query["measures"])),
        where=query["where"],
        conditions=parse_conditions(query["conditions"]),
        group_by=group_by,
        split=split,
    )


def _parse_measure(measure: Mapping[str, str]) -> MeasureOptions:
    function, name = measure["function"], measure["field"]
    default = gettext("Count") if function == "count" else f"{function} {name}".strip()
    return MeasureOptions(function, name, str(measure["name"]) or default)
