"""Query jobs: the records of a query, in pages of CSV.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/queries.htm (2026-11)
"""

import gzip
from dataclasses import dataclass

from sandbox.salesforce.bulk.csv_text import write_csv, write_value
from sandbox.salesforce.bulk.jobs import (
    ABORTED,
    COMPLETE,
    RUNNING,
    UPLOADED,
    Job,
    Jobs,
    abort,
    read_body,
)
from sandbox.salesforce.checks import Refusal
from sandbox.salesforce.rest.queries import find_query, select_records
from sandbox.salesforce.rest.resources import RestRequest
from sandbox.salesforce.soql.parser import Query
from sandbox.system import ApiResponse

PAGE_SIZE = 50_000  # of a client that does not say `maxRecords`
COMPOUND_TYPES = ("address", "location")


@dataclass
class QueryJob(Job):
    query: str = ""

    def advance(self, request: RestRequest) -> None:
        if self.state == UPLOADED:
            self.state = RUNNING
        elif self.state == RUNNING:
            kind, parsed = find_query(request, self.query)
            names = list(dict.fromkeys(parsed.fields))
            fields = [kind.fields[name.lower()] for name in names]
            rows = select_records(request, kind, parsed, deleted=self.operation == "queryAll")
            values = [[write_value(field, row.get(field.name)) for field in fields] for row in rows]
            self.rows = [names, *values]
            self.processed, self.state = len(values), COMPLETE


class QueryJobs(Jobs[QueryJob]):
    prefix = "750"

    def create(self, request: RestRequest) -> ApiResponse:
        body = read_body(request)
        operation, query = body.get("operation"), str(body.get("query", ""))
        if operation not in ("query", "queryAll"):
            raise Refusal(400, "INVALIDJOB", "operation must be query or queryAll")
        kind, parsed = find_query(request, query)
        check_supported(parsed)
        if any(kind.fields[name.lower()].type in COMPOUND_TYPES for name in parsed.fields):
            raise Refusal(400, "FUNCTIONALITY_NOT_ENABLED", "compound data is not supported")
        job = self.add(
            request, QueryJob, operation=operation, object=kind.name, state=UPLOADED, query=query
        )
        return ApiResponse(200, job.shown(request))

    def read(self, request: RestRequest, id: str) -> ApiResponse:
        job = self.find(request, id)
        job.advance(request)
        return ApiResponse(200, job.shown(request))

    def change(self, request: RestRequest, id: str) -> ApiResponse:
        job = self.find(request, id)
        if read_body(request).get("state") != ABORTED:
            raise Refusal(400, "INVALIDJOBSTATE", "a query job can be aborted only")
        abort(job)
        return ApiResponse(200, job.shown(request))

    def read_results(self, request: RestRequest, id: str) -> ApiResponse:
        """A page, always compressed; each has the names of the columns."""
        job = self.find(request, id)
        if job.state != COMPLETE:
            raise Refusal(400, "INVALIDJOBSTATE", f"the job has no results: {job.state}")
        names, *rows = job.rows
        start = read_number(request.query.get("locator", "0"))
        size = read_number(request.query.get("maxRecords", str(PAGE_SIZE)))
        page = rows[start : start + size]
        end = start + len(page)
        text = write_csv([names, *page], job.delimiter, job.ending)
        headers = {
            "Content-Type": "text/csv",
            "Content-Encoding": "gzip",
            "Sforce-NumberOfRecords": str(len(page)),
            "Sforce-Locator": str(end) if end < len(rows) else "null",
        }
        return ApiResponse(200, gzip.compress(text.encode(), mtime=0), headers)


def read_number(text: str) -> int:
    if not text.isdigit():
        raise Refusal(400, "INVALID_QUERY_LOCATOR", "invalid locator or maxRecords")
    return int(text)


def check_supported(parsed: Query) -> None:
    if parsed.aggregates or parsed.group or parsed.offset or not parsed.fields:
        message = "Aggregate functions, GROUP BY and OFFSET are not supported in Bulk Query"
        raise Refusal(400, "FUNCTIONALITY_NOT_ENABLED", message)
