"""Salesforce: read records page by page, and sums of records, with SOQL built from parameters.

Pages are read by keyset: each is a query of its own, so a read does not depend on a query locator,
which ends after some time. https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/
api_rest/resources_query.htm (2026-11)
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from connectors.conditions import read_conditions
from connectors.http import KIBIBYTE, Request, Response, Scope, Unreadable
from connectors.i18n import _
from connectors.outcomes import Outcome, raises_unreadable
from connectors.report_sources import RecordFigures
from connectors.roles import Collection, Page, parse_instant
from connectors.salesforce.actions import API_VERSION, base_url
from connectors.salesforce.errors import ORG, find_rejection
from connectors.salesforce.soql import (
    build_equality_conditions,
    build_field_conditions,
    build_id_condition,
    build_period_conditions,
    build_select,
    build_value_condition,
    format_datetime,
    parse_aggregates,
    quote_literal,
    split_names,
)
from connectors.schema import Credential

QUERIES = Scope("account", "queries")
PAGE_SIZE, PAGE_SIZE_MIN = 2000, 200  # of a batch of results
PAGE_BYTES = 8 * 1024 * KIBIBYTE
SOUGHT_BYTES_MAX = 4000  # of the values in one URL, encoded
MEASURE_ALIAS = "figure"  # of the first measure figure0, of the second figure1
AGGREGATE_ROWS_MAX = 2000  # the results of an aggregate query have no further pages
# of `page_request`; any other one is a field
READ_PARAMETERS = {"object", "fields", "since", "until", "deleted", "ids", "page_size"}
SYSTEM_FIELDS = ("Id", "SystemModstamp")
CURSOR_PATTERN = re.compile(
    r"(?P<id>[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?)@(?P<stamp>[0-9T:.+Z-]{20,32})", re.ASCII
)


class Query(Collection):
    """The answer to a SOQL query."""

    page_size = PAGE_SIZE

    def build_request(
        self, credential: Credential, query: str, *, size: int, with_deleted: bool = False
    ) -> Request:
        resource = "queryAll" if with_deleted else "query"
        return Request(
            "GET",
            f"{base_url(credential)}/services/data/{API_VERSION}/{resource}"
            f"?q={quote(query, safe='')}",
            headers={"Sforce-Query-Options": f"batchSize={size}"},
            bearer=credential.access_token,
            spends=((ORG, 1), (QUERIES, 1)),
            response_bytes_max=PAGE_BYTES,
        )


class Records(Query):
    key = "records"
    label = _("Records of one object")
    help = (
        "Parameters: object, fields, since, until, deleted, ids. Any other parameter is a field "
        "with its required value."
    )
    example = {"object": "Contact", "fields": "Id, Email", "since": "2026-11-25T00:00:00Z"}
    ids_max = 200
    version_precision = timedelta(seconds=1)  # of If-Unmodified-Since
    finds_by_type = True
    takes_conditions = True
    reads_changes = True
    reads_deleted = True
    ordered_by_key = True

    def page_request(
        self, credential: Credential, *, at: datetime, cursor: str = "", **query: str
    ) -> Request:
        """Build the request for a page. Raises ValueError with a text if a name is invalid."""
        size = int(query.pop("page_size", self.page_size))
        return self.build_request(
            credential,
            build_query(cursor=cursor, **query),
            size=min(max(size, PAGE_SIZE_MIN), PAGE_SIZE),
            with_deleted=query.get("deleted") == "true",
        )

    def find_queries(
        self, query: Mapping[str, str], field: str, values: Sequence[str], *, since: str, type: str
    ) -> Sequence[Mapping[str, str]]:
        read = {name: query[name] for name in ("object", "fields") if name in query}
        return [
            {**read, "value_field": field, "values": json.dumps(some), "value_type": type}
            for some in split_values(values)
        ]

    def required_values(self, query: Mapping[str, str]) -> Mapping[str, str | int | bool]:
        return {name: value for name, value in query.items() if name not in READ_PARAMETERS}

    @raises_unreadable
    def parse_page(self, response: Response) -> Page | Outcome:
        """Parse a page. A page of fewer records than the response announces is incomplete.

        Raises Unreadable.
        """
        if rejection := find_rejection(response):
            return rejection
        answer = response.json()
        records, is_done = answer["records"], answer["done"]
        if not isinstance(records, list) or not isinstance(is_done, bool):
            raise Unreadable("not a page of records")
        is_last = is_done and len(records) < PAGE_SIZE
        cursor = "" if is_last or not records else build_cursor(records[-1])
        total = int(answer["totalSize"])
        if len(records) != total if is_done else not 0 < len(records) < total:
            return Page(records, cursor, is_complete=False, reason="fewer_records")
        return Page(records, cursor)

    def record_id(self, record: Mapping[str, Any]) -> str:
        return str(record["Id"])

    def changed_at(self, record: Mapping[str, Any]) -> datetime | None:
        return parse_instant(record.get("SystemModstamp"))

    def version(self, record: Mapping[str, Any]) -> str:
        """Return the time of the last change, the value for `unmodified_since` of update_record."""
        return str(record.get("SystemModstamp") or "")

    def is_deleted(self, record: Mapping[str, Any]) -> bool:
        return record.get("IsDeleted") is True


class Aggregate(Query):
    key = "aggregate"
    label = _("Sums and counts of records")
    help = (
        "Parameters: object, select (such as Status, COUNT(Id) orders, SUM(TotalAmount) total), "
        "group_by, date_field, since, until. Any other parameter is a field with its required "
        "value."
    )
    example = {
        "object": "Order",
        "select": "Status, COUNT(Id) orders, SUM(TotalAmount) total",
        "group_by": "Status",
        "since": "2026-11-16T00:00:00+01:00",
        "until": "2026-11-23T00:00:00+01:00",
    }
    reads_changes = True
    takes_conditions = True
    has_ids = False

    def page_request(
        self, credential: Credential, *, at: datetime, cursor: str = "", **query: str
    ) -> Request:
        """Build the request. Raises ValueError with a text if a parameter is invalid."""
        query.pop("page_size", None)
        return self.build_request(credential, build_aggregate_query(**query), size=PAGE_SIZE)

    @raises_unreadable
    def parse_page(self, response: Response) -> Page | Outcome:
        """Parse the groups. The page is incomplete if there are more groups than it can hold.

        Raises Unreadable.
        """
        if rejection := find_rejection(response):
            return rejection
        answer = response.json()
        if not isinstance(answer["records"], list) or not isinstance(answer["done"], bool):
            raise Unreadable("not a result of groups")
        if (
            answer["done"]
            and len(answer["records"]) == int(answer["totalSize"]) < AGGREGATE_ROWS_MAX
        ):
            return Page(answer["records"])
        return Page(answer["records"], is_complete=False, reason="fewer_records")


class ObjectFigures(RecordFigures):
    kind = "soql"
    label = _("Records in Salesforce")
    collection = Aggregate.key
    object, time_field, value_field = "Order", "CreatedDate", "TotalAmount"
    parameter_names = frozenset(
        {
            "object",
            "select",
            "group_by",
            "date_field",
            "since",
            "until",
            "page_size",
            "conditions",
        }
    )

    def build_parameters(
        self,
        measures: Sequence[tuple[str, str]],
        *,
        object: str,
        time_field: str,
        since: str,
        until: str,
        group_by: str,
    ) -> Mapping[str, str]:
        columns = [group_by] if group_by else []
        columns += [
            f"{function.upper()}({field or 'Id'}) {MEASURE_ALIAS}{position}"
            for position, (function, field) in enumerate(measures)
        ]
        grouping = {"group_by": group_by} if group_by else {}
        return {
            **grouping,
            "object": object,
            "select": ", ".join(columns),
            "date_field": time_field,
            "since": since,
            "until": until,
        }

    def parse_measures(self, record: Mapping[str, Any], count: int) -> Sequence[Any]:
        return [record[f"{MEASURE_ALIAS}{position}"] for position in range(count)]

    def parse_group(self, record: Mapping[str, Any], group_by: str) -> Any:
        """Return the value of the group: of Account.Name, only Name is answered."""
        return record[group_by.rpartition(".")[2]]


def split_values(values: Sequence[str]) -> list[list[str]]:
    """Split values into lists, each of which fits into one URL."""
    lists: list[list[str]] = []
    room = 0
    for value in values:
        size = len(quote(f", {quote_literal(value)}", safe=""))
        if size > room:
            lists.append([])
            room = SOUGHT_BYTES_MAX
        lists[-1].append(value)
        room -= size
    return lists


def build_cursor(record: Mapping[str, Any]) -> str:
    """Build the position after a record: its id and the time of its last change."""
    cursor = f"{record['Id']}@{record['SystemModstamp']}"
    if not CURSOR_PATTERN.fullmatch(cursor):
        raise Unreadable("the last record has no position")
    return cursor


def build_query(*, object: str, fields: str, deleted: str = "", **query: str) -> str:
    """Build the SOQL query of one page; the other parameters are those of `build_conditions`.

    `fields` is separated by commas. With `since` or `until` the order is that of the changes,
    otherwise that of the ids. Raises ValueError for a name that is not an API name.
    """
    by_change = bool(query.get("since") or query.get("until"))
    return build_select(
        list_columns(fields, deleted),
        object,
        build_conditions(**query),
        order=("SystemModstamp", "Id") if by_change else ("Id",),
        limit=PAGE_SIZE,
    )


def build_conditions(
    *,
    since: str = "",
    until: str = "",
    ids: str = "",
    cursor: str = "",
    value_field: str = "",
    values: str = "",
    value_type: str = "",
    conditions: str = "",
    **equals: str,
) -> list[str]:
    """Build the conditions of the records after `cursor`.

    `conditions` is the result of `write_conditions`; `values` is a JSON list, of which
    `value_field`, of the type `value_type` of the schema, has one; each parameter in `equals` is a
    field and its exact text. Raises ValueError for a name that is not an API name.
    """
    parts = build_equality_conditions(equals)
    parts += build_field_conditions(read_conditions(conditions))
    parts += build_period_conditions("SystemModstamp", since, until)
    parts += [build_id_condition(ids.split(","))] if ids else []
    if value_field:
        parts.append(build_value_condition(value_field, json.loads(values), type=value_type))
    by_change = bool(since or until)
    parts += [build_keyset_condition(cursor, by_change=by_change)] if cursor else []
    return parts


def list_columns(fields: str, deleted: str = "") -> list[str]:
    """List the fields of a query, and those of the system that each read needs."""
    names = split_names(fields)
    system_fields = (*SYSTEM_FIELDS, "IsDeleted") if deleted == "true" else SYSTEM_FIELDS
    known_names = {name.lower() for name in names}
    return names + [name for name in system_fields if name.lower() not in known_names]


def build_keyset_condition(cursor: str, *, by_change: bool) -> str:
    """Build the condition of the records after the cursor. Raises ValueError."""
    match = CURSOR_PATTERN.fullmatch(cursor)
    if match is None:
        raise ValueError("the cursor is not a position among records")
    id = quote_literal(match["id"])
    if not by_change:
        return f"Id > {id}"
    stamp = format_datetime(match["stamp"])
    return f"(SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > {id}))"


def build_aggregate_query(
    *,
    object: str,
    select: str,
    group_by: str = "",
    date_field: str = "CreatedDate",
    since: str = "",
    until: str = "",
    conditions: str = "",
    **equals: str,
) -> str:
    """Build an aggregate query over the records whose `date_field` is in [since, until).

    `conditions` is the result of `write_conditions`; `since` and `until` are dates for a field of
    dates, otherwise times with an offset. Raises ValueError for a name or a time that is invalid.
    """
    parts = build_equality_conditions(equals)
    parts += build_field_conditions(read_conditions(conditions))
    parts += build_period_conditions(date_field, since, until)
    group = split_names(group_by)
    limit = AGGREGATE_ROWS_MAX if group else 0  # refused without GROUP BY
    return build_select(parse_aggregates(select), object, parts, group=group, limit=limit)


COLLECTIONS = (Records(), Aggregate())
