"""The queries of reports to other systems, for a period."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from connectors.conditions import write_conditions
from connectors.registry import CONNECTORS
from hub.connections.models import Connection
from hub.scheduled.reading import read_pages
from hub.scheduled.reports.figures import (
    Figures,
    Measure,
    Row,
    build_figures,
    clean_currency,
    clean_label,
    list_currency_measures,
    parse_figure,
)
from hub.scheduled.reports.options import ADDITIVE_FUNCTIONS, MeasureOptions, QueryOptions
from hub.scheduled.reports.periods import Period, format_part, split_period
from hub.scheduled.runs.context import RunContext, RunFailed

ALIAS = "figure"  # of the first measure figure0, of the second figure1
INCOMPLETE, UNREADABLE = "read_incomplete", "report_unreadable"

Record = Mapping[str, Any]


async def read_soql_figures(context: RunContext, query: QueryOptions, period: Period) -> Figures:
    """Return aggregates of one object: one row for each part of the period, or each group.

    Salesforce groups days in the time zone of its own user. So each part is a separate query,
    between two moments.
    """
    connection = await context.find_connection("salesforce")
    measures = [Measure(one.name, one.function in ADDITIVE_FUNCTIONS) for one in query.measures]
    rows: list[Row] = []
    parts = split_period(period, query.split) if query.split else [period]
    for part in parts:
        parameters = build_aggregate_parameters(query, part)
        records = [
            record async for record in read_all(context, connection, "aggregate", parameters)
        ]
        if query.group_by:
            column = query.group_by.rpartition(".")[2]  # of Account.Name, only Name is answered
            rows = [_build_row(record[column] or "", record, query) for record in records]
        else:
            (record,) = records
            rows.append(_build_row(format_part(part), record, query))
        await context.save({}, done=len(rows), expected=len(parts))
    return build_figures(_name_labels(query), measures, rows)


def build_aggregate_parameters(query: QueryOptions, part: Period) -> dict[str, str]:
    """Return the parameters of the collection `aggregate` for a part of the period.

    A field that holds days is compared with the local days.
    """
    columns = [query.group_by] if query.group_by else []
    columns += [
        f"{_format_measure(measure)} {ALIAS}{position}"
        for position, measure in enumerate(query.measures)
    ]
    since, until = part.start.isoformat(), part.end.isoformat()
    if query.time_type == "date":
        since, until = part.first_day.isoformat(), part.end_day.isoformat()
    optional = {"group_by": query.group_by} if query.group_by else {}
    if query.conditions:
        optional["conditions"] = write_conditions(query.conditions)
    return {
        **query.where,
        **optional,
        "object": query.object,
        "select": ", ".join(columns),
        "date_field": query.time_field,
        "since": since,
        "until": until,
    }


def _format_measure(measure: MeasureOptions) -> str:
    return f"{measure.function.upper()}({measure.field or 'Id'})"


def _build_row(label: object, record: Record, query: QueryOptions) -> Row:
    values = []
    for position, measure in enumerate(query.measures):
        value = parse_figure(record[f"{ALIAS}{position}"])
        # the sum of no records is null in SOQL
        values.append(
            parse_figure(0) if value is None and measure.function in ADDITIVE_FUNCTIONS else value
        )
    return Row(clean_label(label), tuple(values))


def _name_labels(query: QueryOptions) -> str:
    if query.group_by:
        return query.group_by
    names = {"day": _("Day"), "week": _("Week"), "month": _("Month")}
    return names.get(query.split, _("Period"))


async def read_summary_figures(context: RunContext, query: QueryOptions, period: Period) -> Figures:
    """Return the current number of deals with each status, and their value in each currency.

    Pipedrive's summary takes no period, so the report names a moment; `filter_id` refers to a
    filter in the company's account that may have one.
    """
    connection = await context.find_connection("pipedrive")
    counts: dict[str, Any] = {}
    values: dict[str, dict[str, Any]] = {}
    for status in query.statuses:
        counts[status], values[status] = 0, {}
        parameters = {**query.filters, "status": status}
        async for record in read_all(context, connection, "deals_summary", parameters):
            counts[status] += parse_figure(record["count"]) or 0
            currency = clean_currency(record["currency"])
            value = parse_figure(record["value"]) or 0
            values[status][currency] = values[status].get(currency, 0) + value
    currencies = sorted(
        {currency for by_status in values.values() for currency in by_status},
        key=lambda currency: (not currency, currency),
    )
    measures = [Measure(_("Deals")), *list_currency_measures(currencies)]
    rows = [
        Row(
            status,
            (
                parse_figure(counts[status]),
                *(values[status].get(currency, parse_figure(0)) for currency in currencies),
            ),
        )
        for status in query.statuses
    ]
    return build_figures(_("Status"), measures, rows)


async def read_all(
    context: RunContext, connection: Connection, key: str, parameters: Mapping[str, str]
) -> AsyncIterator[Record]:
    """Yield the records of a collection. Raises RunFailed if they are incomplete."""
    collections = CONNECTORS[connection.connector_key].collections
    (collection,) = (entry for entry in collections if entry.key == key)
    async for page in read_pages(context, connection, collection, parameters):
        if not page.is_complete:
            raise RunFailed(INCOMPLETE, page.reason)
        for record in page.records:
            yield record
