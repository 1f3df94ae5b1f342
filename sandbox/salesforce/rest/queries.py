"""The query resources: records of a query in pages, counts, and sums by groups."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from sandbox.salesforce.checks import Refusal
from sandbox.salesforce.records import Record
from sandbox.salesforce.rest.replication import is_in_bin
from sandbox.salesforce.rest.resources import RestRequest, check_field_names
from sandbox.salesforce.schema import ORGANIZATION, USER, Object
from sandbox.salesforce.soql.aggregates import aggregate, check_columns, check_count
from sandbox.salesforce.soql.conditions import Comparison, sortable
from sandbox.salesforce.soql.criteria import criterion
from sandbox.salesforce.soql.parser import Query, parse
from sandbox.system import ApiResponse


def query(request: RestRequest, *, deleted: bool = False) -> ApiResponse:
    kind, parsed = find_query(request, request.query.get("q", ""))
    if parsed.aggregates:
        check_columns(parsed.aggregates, parsed.group, kind.fields, parsed.limit)
        return aggregate_records(parsed, select_records(request, kind, parsed, deleted=deleted))
    rows = select_records(request, kind, parsed, deleted=deleted)
    if not parsed.fields:
        return ApiResponse(200, {"totalSize": len(rows), "done": True, "records": []})
    records = [request.shown(kind, row, parsed.fields) for row in rows]
    return ApiResponse(200, page(request, records, 0, locator=""))


def find_query(request: RestRequest, text: str) -> tuple[Object, Query]:
    """Return the object of a query, and the query with the object's own names. Raises Refusal."""
    parsed = parse(text)
    kind = request.objects.get(parsed.object.lower())
    if kind is None:
        message = f"sObject type '{parsed.object}' is not supported."
        raise Refusal(400, "INVALID_TYPE", message)
    return kind, check_query(kind, parsed)


def select_records(
    request: RestRequest, kind: Object, parsed: Query, *, deleted: bool
) -> list[Record]:
    """The records of a query; those of an aggregate query before its order, limit and offset."""
    rows: Iterable[Record]
    if kind in (ORGANIZATION, USER):
        rows, is_ordered = request.rows(kind, deleted=deleted), False
    else:
        rows, is_ordered = request.records.selected(request.org, kind, parsed)
        rows = (
            row for row in rows if not row["IsDeleted"] or (deleted and is_in_bin(row, request.at))
        )
    if parsed.aggregates:
        return [row for row in rows if parsed.where.holds(row)]
    return parsed.of(rows, ordered=is_ordered)


def aggregate_records(parsed: Query, rows: list[Record]) -> ApiResponse:
    results = aggregate(parsed.aggregates, parsed.group, rows)
    shown_as = {column.name: column.alias or column.name for column in parsed.aggregates}
    for name, descending in reversed(parsed.order):
        results.sort(key=partial(sort_value, shown_as.get(name, name)), reverse=descending)
    end = None if parsed.limit is None else parsed.offset + parsed.limit
    results = results[parsed.offset : end]
    check_count(len(results))
    return ApiResponse(200, {"totalSize": len(results), "done": True, "records": results})


def sort_value(name: str, row: Record) -> Any:
    return sortable(row.get(name))


def query_more(request: RestRequest, locator: str) -> ApiResponse:
    name, _, start = locator.rpartition("-")
    if not start.isdigit():
        raise Refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return ApiResponse(200, page(request, request.locators.read(name), int(start), locator=name))


def page(
    request: RestRequest, records: list[Record], start: int, *, locator: str
) -> dict[str, Any]:
    end = start + batch_size(request)
    answer = {"totalSize": len(records), "done": end >= len(records), "records": records[start:end]}
    if not answer["done"]:
        answer["nextRecordsUrl"] = (
            f"{request.root}/query/{locator or request.locators.open(records)}-{end}"
        )
    return answer


def batch_size(request: RestRequest) -> int:
    """What the client hints at, within what Salesforce gives."""
    _, _, hint = request.headers.get("Sforce-Query-Options", "").partition("batchSize=")
    return max(200, min(int(hint), 2000)) if hint.isdigit() else request.org.batch_size


def check_query(kind: Object, parsed: Query) -> Query:
    """The query with the object's own spelling of the names."""
    names = dict(zip(parsed.names, check_field_names(kind, parsed.names), strict=True))

    def checked(comparison: Comparison) -> Comparison:
        field = kind.fields[comparison.name.lower()]
        want = criterion(field, comparison.sign, comparison.want)
        return Comparison(names[comparison.name], comparison.sign, want)

    return replace(
        parsed,
        fields=[names[name] for name in parsed.fields],
        where=parsed.where.changed_by(checked),
        aggregates=[
            replace(column, name=names.get(column.name, "")) for column in parsed.aggregates
        ],
        group=[names[name] for name in parsed.group],
        order=[(names[name], down) for name, down in parsed.order],
    )
