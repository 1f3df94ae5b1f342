"""What query jobs and ingest jobs share: their ids, states and daily limits.

A job goes on when its state is asked for: UploadComplete, InProgress, then JobComplete. The error
codes of states and limits are unverified.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sandbox.rate_limits import RollingCount
from sandbox.salesforce.bulk.csv_text import check_form
from sandbox.salesforce.checks import Refusal
from sandbox.salesforce.ids import id_of
from sandbox.salesforce.records import stamp
from sandbox.salesforce.rest.resources import RestRequest
from sandbox.system import ApiResponse

DAY = 24 * 3600
OPEN, UPLOADED, RUNNING, COMPLETE = "Open", "UploadComplete", "InProgress", "JobComplete"
FAILED, ABORTED = "Failed", "Aborted"
ENDED = (COMPLETE, FAILED, ABORTED)


@dataclass
class Job:
    """One job; `rows` are its results."""

    id: str
    org: str
    operation: str
    object: str
    created_at: float
    delimiter: str
    ending: str
    state: str = OPEN
    error: str = ""
    processed: int = 0
    failed: int = 0
    rows: list[list[str]] = field(default_factory=list)

    def shown(self, request: RestRequest) -> dict[str, Any]:
        error = {"errorMessage": self.error} if self.error else {}
        return {
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": request.org.user,
            "createdDate": stamp(self.created_at),
            "systemModstamp": stamp(request.at),
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(request.root.rpartition("/v")[2]),
            "lineEnding": self.ending,
            "columnDelimiter": self.delimiter,
            "numberRecordsProcessed": self.processed,
            **error,
        }


Kind = TypeVar("Kind", bound=Job)


class Jobs(Generic[Kind]):
    """The jobs of one kind, of all orgs; a restart forgets them."""

    prefix: str

    def __init__(self) -> None:
        self._jobs: dict[str, Kind] = {}
        self._created: dict[str, RollingCount] = {}
        self._number = 0

    def find(self, request: RestRequest, id: str) -> Kind:
        job = self._jobs.get(id[:15])
        if job is None or job.org != request.org.org:
            raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
        return job

    def add(self, request: RestRequest, make: Callable[..., Kind], **columns: Any) -> Kind:
        """Add a job. Raises Refusal where the jobs of the last 24 hours are spent."""
        used = self._created.setdefault(request.org.org, RollingCount(DAY))
        if used.at(request.at) >= request.org.daily_jobs:
            message = "The daily number of Bulk API 2.0 jobs of this organization is exceeded."
            raise Refusal(400, "LIMIT_EXCEEDED", message)
        used.add(request.at)
        self._number += 1
        delimiter, ending = check_form(request.body)
        job = make(
            id=id_of(self.prefix, self._number),
            org=request.org.org,
            created_at=request.at,
            delimiter=delimiter,
            ending=ending,
            **columns,
        )
        self._jobs[job.id[:15]] = job
        return job

    def delete(self, request: RestRequest, id: str) -> ApiResponse:
        job = self.find(request, id)
        if job.state not in ENDED:
            raise Refusal(400, "INVALIDJOBSTATE", f"Job must be ended: {job.state}")
        del self._jobs[job.id[:15]]
        return ApiResponse(204)

    def list(self, request: RestRequest) -> ApiResponse:
        jobs = [job.shown(request) for job in self._jobs.values() if job.org == request.org.org]
        return ApiResponse(200, {"done": True, "nextRecordsUrl": None, "records": jobs})


def read_body(request: RestRequest) -> dict[str, Any]:
    if not isinstance(request.body, dict):
        raise Refusal(400, "JSON_PARSER_ERROR", "a job is expected")
    return request.body


def abort(job: Job) -> None:
    if job.state in ENDED:
        raise Refusal(400, "INVALIDJOBSTATE", f"Aborting a job in state {job.state} is not allowed")
    job.state = ABORTED
