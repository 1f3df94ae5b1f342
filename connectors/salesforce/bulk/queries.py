"""Salesforce: read very many records by a query job of Bulk API 2.0.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/queries.htm and
query_get_job_results.htm (2026-11): results are CSV, always compressed, kept for seven days; null
and an empty text are the same; a job has neither compound fields nor blobs.
"""

import csv
import io
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from math import ceil
from typing import Any
from urllib.parse import quote, urlencode

from connectors.http import Request, Response, Scope, Unreadable, load_json
from connectors.outcomes import Outcome, never, raises_unreadable
from connectors.roles import BulkRead, Page, ReadJob, parse_instant
from connectors.salesforce.actions import API_VERSION, base_url
from connectors.salesforce.collections import (
    PAGE_BYTES,
    PAGE_SIZE,
    QUERIES,
    Records,
    build_conditions,
    list_columns,
)
from connectors.salesforce.errors import ORG, find_rejection
from connectors.salesforce.object_schemas import SalesforceSchema
from connectors.salesforce.soql import build_select, check_id
from connectors.schema import Credential

QUERY_JOBS = Scope("account", "jobs")
RESULTS_BYTES = 32 * 1024 * 1024  # of a page of results, not compressed
STATE_CALLS = 3  # of a job that takes a few minutes
WAIT_MIN, WAIT_MAX = 30.0, 600.0  # seconds between two questions for a state
OWN_PARAMETERS = {"object", "fields", "deleted"}  # of a query; the others are conditions
LOCATOR_PATTERN = re.compile(r"[!-~]{1,200}")
# from 10^7 on, and below 10^-3, as Java does: 1.6147805824397E13
# (https://github.com/forcedotcom/cli/issues/3367)
JSON_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
GZIP_START = b"\x1f\x8b"
# single records, which pages read in one call, and small pages
PAGE_PARAMETERS = {"ids", "value_field", "page_size"}


def parse_boolean(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text)


def parse_number(text: str) -> Any:
    """Return a number like that of a page, with all its digits; text that is none as it is."""
    return load_json(text) if JSON_NUMBER.fullmatch(text) else text


def parse_bulk_time(text: str) -> str:
    """Return a time as pages spell it: in UTC, with +0000."""
    return f"{text[:-1]}+0000" if text.endswith("Z") else text


VALUE_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "boolean": parse_boolean,
    "number": parse_number,
    "datetime": parse_bulk_time,
}


class RecordsBulkRead(BulkRead):
    """Reads the records of `Records`."""

    results_size = 10_000  # records of a page of results

    def can_read(self, query: Mapping[str, str]) -> bool:
        return not PAGE_PARAMETERS & query.keys() and "." not in query.get("fields", "")

    def count_request(
        self, credential: Credential, *, cursor: str, query: Mapping[str, str]
    ) -> Request:
        return Records().build_request(
            credential,
            build_whole_query(count=True, cursor=cursor, query=query),
            size=PAGE_SIZE,
            with_deleted=query.get("deleted") == "true",
        )

    @raises_unreadable
    def parse_count(self, response: Response) -> int | Outcome:
        return find_rejection(response) or int(response.json()["totalSize"])

    def is_cheaper(self, count: int) -> bool:
        """Return whether types, creation, states and results are fewer calls than pages."""
        return 2 + STATE_CALLS + ceil(count / self.results_size) < ceil(count / PAGE_SIZE)

    def types_request(self, credential: Credential, query: Mapping[str, str]) -> Request:
        return SalesforceSchema().fields_request(credential, query["object"])

    def parse_types(
        self, response: Response, query: Mapping[str, str]
    ) -> Mapping[str, str] | Outcome:
        page = SalesforceSchema().parse_fields(response, query["object"])
        if isinstance(page, Outcome):
            return page
        fields = {field.key.lower(): field for field in page.fields}
        names = [name.lower() for name in list_columns(query["fields"], query.get("deleted", ""))]
        if any(name not in fields or fields[name].type == "object" for name in names):
            return {}
        return {fields[name].key: fields[name].type for name in names}

    def job_request(
        self, credential: Credential, *, cursor: str, query: Mapping[str, str]
    ) -> Request:
        operation = "queryAll" if query.get("deleted") == "true" else "query"
        text = build_whole_query(count=False, cursor=cursor, query=query)
        return build_job_request(
            credential,
            "POST",
            "query",
            json={"operation": operation, "query": text},
            spends=((ORG, 1), (QUERY_JOBS, 1)),
        )

    def state_request(self, credential: Credential, job: str) -> Request:
        return build_job_request(credential, "GET", f"query/{check_id(job)}")

    @raises_unreadable
    def parse_job(self, response: Response) -> ReadJob | Outcome:
        """Parse a job. A state that is not known yet counts as running. Raises Unreadable."""
        if rejection := find_rejection(response):
            return rejection
        answer = response.json()
        state = str(answer["state"])
        if state in ("Failed", "Aborted"):
            return never("bulk_job_failed", str(answer.get("errorMessage") or state))
        wait = find_wait(answer, at=response.at)
        return ReadJob(check_id(str(answer["id"])), state == "JobComplete", wait)

    def results_request(
        self, credential: Credential, job: str, *, locator: str, size: int | None
    ) -> Request:
        parameters = {"maxRecords": str(size or self.results_size)}
        parameters |= {"locator": locator} if locator else {}
        return build_job_request(
            credential,
            "GET",
            f"query/{check_id(job)}/results?{urlencode(parameters, quote_via=quote)}",
            headers={"Accept": "text/csv"},
            spends=((ORG, 1), (QUERIES, 1)),
            response_bytes_max=PAGE_BYTES,
        )

    @raises_unreadable
    def parse_results(
        self, response: Response, *, types: Mapping[str, str], query: Mapping[str, str]
    ) -> Page | Outcome:
        """Parse a page of results. A page of fewer records than announced is incomplete.

        Raises Unreadable.
        """
        if rejection := find_rejection(response):
            return rejection
        attributes = {"attributes": {"type": query["object"]}}
        rows = parse_rows(decompress(response.body).decode(), types)
        records = [attributes | row for row in rows]
        locator = response.headers.get("sforce-locator", "null")
        if locator != "null" and not LOCATOR_PATTERN.fullmatch(locator):
            raise Unreadable("the locator is not one")
        cursor = "" if locator == "null" else locator
        if len(records) != int(response.headers["sforce-numberofrecords"]):
            return Page(records, cursor, is_complete=False, reason="fewer_records")
        return Page(records, cursor)


def build_whole_query(*, count: bool, cursor: str, query: Mapping[str, str]) -> str:
    """Build the SOQL query of all records after a cursor, in no order, or of their number."""
    others = {name: value for name, value in query.items() if name not in OWN_PARAMETERS}
    columns = ["COUNT()"] if count else list_columns(query["fields"], query.get("deleted", ""))
    return build_select(columns, query["object"], build_conditions(**{**others, "cursor": cursor}))


def find_wait(answer: Mapping[str, Any], *, at: datetime) -> float:
    """Return the seconds until a job is asked for its state again: ever more, as it gets older."""
    created_at = parse_instant(answer.get("createdDate"))
    age = (at - created_at).total_seconds() if created_at else 0.0
    return min(max(age, WAIT_MIN), WAIT_MAX)


def build_job_request(credential: Credential, method: str, path: str, **more: Any) -> Request:
    more.setdefault("spends", ((ORG, 1),))
    return Request(
        method,
        f"{base_url(credential)}/services/data/{API_VERSION}/jobs/{path}",
        bearer=credential.access_token,
        **more,
    )


def decompress(body: bytes) -> bytes:
    """Return the text of results, compressed or not. Raises Unreadable if it is too long."""
    if not body.startswith(GZIP_START):
        return body
    decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        text = decompressor.decompress(body, RESULTS_BYTES)
    except zlib.error as error:
        raise Unreadable("the results cannot be decompressed") from error
    if not decompressor.eof:
        raise Unreadable("the results are too long, or cut")
    return text


def parse_rows(text: str, types: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Parse CSV to the fields of records, as JSON has them. Raises Unreadable."""
    names = {name.lower(): name for name in types}
    try:
        header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    except (csv.Error, ValueError) as error:
        raise Unreadable("the results are not CSV") from error
    columns = [names.get(name.lower(), "") for name in header]
    if sorted(columns) != sorted(types):
        raise Unreadable("the results have other columns than the query")
    parsers = [VALUE_PARSERS.get(types[name], str) for name in columns]
    for row in rows:
        if row:
            values = zip(columns, parsers, row, strict=True)
            yield {name: parse(text) if text else None for name, parse, text in values}


BULK_READS = {Records.key: RecordsBulkRead()}
