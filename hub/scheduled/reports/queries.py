"""The queries of reports to other systems, for a period."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from connectors.conditions import write_conditions
from connectors.registry import CONNECTORS
from connectors.report_sources import RecordFigures
from hub.connections.models import Connection
from hub.reason_codes import translate_text
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
from hub.scheduled.reports.options import (
    ADDITIVE_FUNCTIONS,
    QUERIED_CONNECTORS,
    RECORD_FIGURES,
    STATUS_FIGURES,
    QueryOptions,
)
from hub.scheduled.reports.periods import Period, format_part, split_period
from hub.scheduled.runs.context import RunContext, RunFailed

INCOMPLETE, UNREADABLE = "read_incomplete", "report_unreadable"

Record = Mapping[str, Any]


async def read_record_figures(context: RunContext, query: QueryOptions, period: Period) -> Figures:
    """Return aggregates of one object: one row for each part of the period, or each group.

    A system may group days in the time zone of its own user. So each part is a separate query,
    between two moments.
    """
    connection = await context.find_connection(QUERIED_CONNECTORS[query.kind].key)
    source = RECORD_FIGURES[query.kind]
    measures = [Measure(one.name, one.function in ADDITIVE_FUNCTIONS) for one in query.measures]
    rows: list[Row] = []
    parts = split_period(period, query.split) if query.split else [period]
    for part in parts:
        parameters = _build_record_parameters(source, query, part)
        records = [
            record async for record in read_all(context, connection, source.collection, parameters)
        ]
        if query.group_by:
            rows = [
                _build_row(source.parse_group(record, query.group_by) or "", record, query)
                for record in records
            ]
        else:
            (record,) = records
            rows.append(_build_row(format_part(part), record, query))
        await context.save({}, done=len(rows), expected=len(parts))
    return build_figures(_name_labels(query), measures, rows)


def _build_record_parameters(
    source: RecordFigures, query: QueryOptions, part: Period
) -> dict[str, str]:
    """Return the parameters of the collection for a part of the period.

    A field that holds days is compared with the local days.
    """
    since, until = part.start.isoformat(), part.end.isoformat()
    if query.time_type == "date":
        since, until = part.first_day.isoformat(), part.end_day.isoformat()
    parameters = source.build_parameters(
        [(measure.function, measure.field) for measure in query.measures],
        object=query.object,
        time_field=query.time_field,
        since=since,
        until=until,
        group_by=query.group_by,
    )
    conditions = {"conditions": write_conditions(query.conditions)} if query.conditions else {}
    return {**query.where, **conditions, **parameters}


def _build_row(label: object, record: Record, query: QueryOptions) -> Row:
    values = []
    answered = RECORD_FIGURES[query.kind].parse_measures(record, len(query.measures))
    for measure, answer in zip(query.measures, answered, strict=True):
        value = parse_figure(answer)
        # the sum of no records may be null
        values.append(
            parse_figure(0) if value is None and measure.function in ADDITIVE_FUNCTIONS else value
        )
    return Row(clean_label(label), tuple(values))


def _name_labels(query: QueryOptions) -> str:
    if query.group_by:
        return query.group_by
    names = {"day": _("Day"), "week": _("Week"), "month": _("Month")}
    return names.get(query.split, _("Period"))


async def read_status_figures(context: RunContext, query: QueryOptions, period: Period) -> Figures:
    """Return the present number of records with each status, and their value in each currency.

    They have no period, so the report names a moment.
    """
    connection = await context.find_connection(QUERIED_CONNECTORS[query.kind].key)
    source = STATUS_FIGURES[query.kind]
    counts: dict[str, Any] = {}
    values: dict[str, dict[str, Any]] = {}
    for status in query.statuses:
        counts[status], values[status] = 0, {}
        parameters = {**query.filters, "status": status}
        async for record in read_all(context, connection, source.collection, parameters):
            counts[status] += parse_figure(record["count"]) or 0
            currency = clean_currency(record["currency"])
            value = parse_figure(record["value"]) or 0
            values[status][currency] = values[status].get(currency, 0) + value
    currencies = sorted(
        {currency for by_status in values.values() for currency in by_status},
        key=lambda currency: (not currency, currency),
    )
    measures = [Measure(translate_text(source.records_label)), *list_currency_measures(currencies)]
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
