"""Ingest jobs: records of an uploaded CSV are created, changed or deleted.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/
bulk_api_2_ingest.htm (2026-11). Half of the records are written when the state is asked for the
first time after the upload, the others with the next.
"""

import csv
from dataclasses import dataclass, field
from typing import Any

from sandbox.salesforce.bulk.csv_text import read_csv, read_value, write_csv
from sandbox.salesforce.bulk.jobs import (
    ABORTED,
    COMPLETE,
    ENDED,
    FAILED,
    OPEN,
    RUNNING,
    UPLOADED,
    Job,
    Jobs,
    abort,
    read_body,
)
from sandbox.salesforce.checks import Refusal
from sandbox.salesforce.rest import resources
from sandbox.salesforce.rest.resources import RestRequest
from sandbox.system import ApiResponse

OPERATIONS = ("insert", "update", "upsert", "delete")


@dataclass
class IngestJob(Job):
    """`rows` are the uploaded ones, after their names; those up to `processed` were tried."""

    key: str = ""
    text: str = ""
    names: list[str] = field(default_factory=list)
    successes: list[list[str]] = field(default_factory=list)
    failures: list[list[str]] = field(default_factory=list)

    def shown(self, request: RestRequest) -> dict[str, Any]:
        key = {"externalIdFieldName": self.key} if self.key else {}
        return {
            **super().shown(request),
            **key,
            "jobType": "V2Ingest",
            "contentUrl": f"{request.root.lstrip('/')}/jobs/ingest/{self.id}/batches",
            "numberRecordsFailed": self.failed,
            "retries": 0,
        }

    def advance(self, request: RestRequest) -> None:
        if self.state == UPLOADED:
            self._open(request)
            self._process(request, (len(self.rows) + 1) // 2)
        elif self.state == RUNNING:
            self._process(request, len(self.rows))
            self.state = COMPLETE

    def _open(self, request: RestRequest) -> None:
        """Read the CSV; the job fails if its columns are not fields."""
        kind = request.kind(self.object)
        try:
            self.names, *self.rows = read_csv(self.text, self.delimiter)
        except (csv.Error, ValueError):
            self.state, self.error = FAILED, "InvalidBatch : the CSV cannot be read"
            return
        unknown = [name for name in self.names if kind.field(name) is None]
        if unknown:
            self.state = FAILED
            self.error = f"InvalidBatch : Field name not found : {unknown[0]}"
            return
        self.state = RUNNING

    def _process(self, request: RestRequest, end: int) -> None:
        if self.state != RUNNING:
            return
        for row in self.rows[self.processed : end]:
            try:
                id, created = self._write(request, row)
                self.successes.append([id, str(created).lower(), *row])
            except Refusal as refusal:
                fields = ",".join(refusal.fields)
                error = f"{refusal.code}:{refusal.message}:{fields or '--'}"
                self.failures.append(["", error, *row])
        self.processed, self.failed = end, len(self.failures)

    def _write(self, request: RestRequest, row: list[str]) -> tuple[str, bool]:
        """Write one record; return its id and whether it is new. Raises Refusal."""
        if len(row) != len(self.names):
            raise Refusal(400, "INVALID_ROW", "the row has another number of columns")
        kind = request.kind(self.object)
        values = {
            name: read_value(kind.field(name), text)
            for name, text in zip(self.names, row, strict=True)
            if text
        }
        key = "Id" if self.operation != "upsert" else self.key
        value = next((values.pop(name) for name in [*values] if name.lower() == key.lower()), None)
        if self.operation == "insert":
            answer = resources.create(request.with_body(values), self.object)
            return str(answer.body["id"]), True
        if value is None:
            raise Refusal(400, "MISSING_ARGUMENT", f"{key} not specified", [key])
        if self.operation == "upsert":
            answer = resources.upsert(request.with_body(values), self.object, key, str(value))
            if answer.status == 300:
                message = f"{key}: more than one record found for external id field"
                raise Refusal(400, "DUPLICATE_EXTERNAL_ID", message)
            return str(answer.body["id"]), bool(answer.body["created"])
        work = resources.delete if self.operation == "delete" else resources.update
        work(request.with_body(values), self.object, str(value))
        return str(value), False


class IngestJobs(Jobs[IngestJob]):
    prefix = "751"

    def create(self, request: RestRequest) -> ApiResponse:
        body = read_body(request)
        operation, key = body.get("operation"), str(body.get("externalIdFieldName", ""))
        if operation not in OPERATIONS or body.get("contentType", "CSV") != "CSV":
            raise Refusal(400, "INVALIDJOB", "unknown operation or contentType")
        name = str(body.get("object", ""))
        kind = request.objects.get(name.lower())
        if kind is None or kind.read_only:
            raise Refusal(400, "INVALIDENTITY", f"Entity '{name}' is not supported by the Bulk API")
        if operation == "upsert" and key.lower() != "id":
            request.key(kind, key)
        job = self.add(request, IngestJob, operation=operation, object=kind.name, key=key)
        return ApiResponse(200, job.shown(request))

    def upload(self, request: RestRequest, id: str) -> ApiResponse:
        job = self.find(request, id)
        if job.state != OPEN or job.text:
            message = (
                f"Found multiple contents for job: <{job.id}>, make sure you only do 'PUT' once"
            )
            raise Refusal(400, "INVALIDJOBSTATE", message)
        job.text = request.text
        return ApiResponse(201)

    def change(self, request: RestRequest, id: str) -> ApiResponse:
        job, state = self.find(request, id), read_body(request).get("state")
        if state == ABORTED:
            abort(job)
        elif state == UPLOADED and job.state == OPEN:
            job.state = UPLOADED if job.text else FAILED
        else:
            raise Refusal(400, "INVALIDJOBSTATE", f"{job.state} cannot become {state}")
        return ApiResponse(200, job.shown(request))

    def read(self, request: RestRequest, id: str) -> ApiResponse:
        job = self.find(request, id)
        job.advance(request)
        return ApiResponse(200, job.shown(request))

    def read_results(self, request: RestRequest, id: str, kind: str) -> ApiResponse:
        job = self.find(request, id)
        if job.state not in ENDED:
            raise Refusal(400, "INVALIDJOBSTATE", f"the job has no results: {job.state}")
        if kind == "successfulResults":
            rows = [["sf__Id", "sf__Created", *job.names], *job.successes]
        elif kind == "failedResults":
            rows = [["sf__Id", "sf__Error", *job.names], *job.failures]
        else:
            rows = [job.names, *job.rows[job.processed :]]
        text = write_csv(rows, job.delimiter, job.ending)
        return ApiResponse(200, text.encode(), {"Content-Type": "text/csv"})
