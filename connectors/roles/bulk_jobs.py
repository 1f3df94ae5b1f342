"""The roles of a connector whose system reads, or writes, very many records by one job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from connectors.http import Request, Response
from connectors.outcomes import Outcome
from connectors.roles.collections import Page
from connectors.schema import Credential

WriteJobState = Literal["open", "running", "ended"]


@dataclass(frozen=True, slots=True)
class ReadJob:
    """A job of a system that reads records. `wait`: seconds until its state is asked for again."""

    id: str
    is_complete: bool
    wait: float


class BulkRead:
    """Reads very many records of a collection by a job of the system.

    `query` and `cursor` are those of the collection's `page_request`: the job reads what comes
    after the cursor, in no certain order. Its results have the form of the collection's records.
    """

    def can_read(self, query: Mapping[str, str]) -> bool:
        """Return whether a job can read what the query asks for."""
        raise NotImplementedError

    def count_request(
        self, credential: Credential, *, cursor: str, query: Mapping[str, str]
    ) -> Request:
        """Build the request that counts the records after the cursor."""
        raise NotImplementedError

    def parse_count(self, response: Response) -> int | Outcome:
        raise NotImplementedError

    def is_cheaper(self, count: int) -> bool:
        """Return whether a job takes fewer calls than pages for so many records."""
        raise NotImplementedError

    def types_request(self, credential: Credential, query: Mapping[str, str]) -> Request:
        """Build the request for the types of the fields, which results do not contain."""
        raise NotImplementedError

    def parse_types(
        self, response: Response, query: Mapping[str, str]
    ) -> Mapping[str, str] | Outcome:
        """Return the types of the query's fields by name; empty if a job cannot read one."""
        raise NotImplementedError

    def job_request(
        self, credential: Credential, *, cursor: str, query: Mapping[str, str]
    ) -> Request:
        """Build the request that creates a job."""
        raise NotImplementedError

    def state_request(self, credential: Credential, job: str) -> Request:
        raise NotImplementedError

    def parse_job(self, response: Response) -> ReadJob | Outcome:
        """Parse the answer to a creation, or a state; an Outcome if the job has failed."""
        raise NotImplementedError

    def results_request(
        self, credential: Credential, job: str, *, locator: str, size: int | None
    ) -> Request:
        """Build the request for a page of results; `size`: records, if less than usual."""
        raise NotImplementedError

    def parse_results(
        self, response: Response, *, types: Mapping[str, str], query: Mapping[str, str]
    ) -> Page | Outcome:
        """Parse a page of results; its cursor is the locator of the next one."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class BulkForm:
    """What all records of a job share: the action, the object, and the field of their key."""

    action: str
    object: str
    key_field: str


@dataclass(frozen=True, slots=True)
class BulkRecord:
    """One record of a job. `identity` is equal for two writes to one record."""

    form: BulkForm
    key: str
    identity: str
    values: Mapping[str, str]  # by field, with the key


@dataclass(frozen=True, slots=True)
class WriteJob:
    """A job of a system that writes records. `wait`: seconds until its state is asked for again."""

    id: str
    state: WriteJobState
    wait: float
    failed_count: int = 0


@dataclass(frozen=True, slots=True)
class RecordResult:
    """What became of one record; `line` is the system's own result of it."""

    outcome: Outcome
    line: str


class BulkWrite:
    """Writes very many records by a job: create, upload, close, ask for the state, read results.

    Only actions that are idempotent: what a job did not write, or what is not known of it, is sent
    again as usual.
    """

    actions: frozenset[str]  # whose records a job can write
    records_max: int  # of one job
    bytes_max: int  # of the values of one job

    def is_cheaper(self, count: int) -> bool:
        """Return whether jobs take fewer calls than requests of the action for so many records."""
        raise NotImplementedError

    def build_record(self, action: str, body: Mapping[str, Any]) -> BulkRecord | None:
        """Return the record that a rendered body writes; None if a job cannot write it."""
        raise NotImplementedError

    def job_request(self, credential: Credential, form: BulkForm) -> Request:
        """Build the request that creates a job."""
        raise NotImplementedError

    def upload_request(
        self, credential: Credential, job: str, records: Sequence[BulkRecord]
    ) -> Request:
        """Build the request that uploads all records of a job; a job takes one upload."""
        raise NotImplementedError

    def close_request(self, credential: Credential, job: str) -> Request:
        """Build the request that ends the upload, and lets the system begin."""
        raise NotImplementedError

    def parse_upload(self, response: Response) -> Outcome | None:
        """Return why an upload was refused; None if it was taken."""
        raise NotImplementedError

    def state_request(self, credential: Credential, job: str) -> Request:
        raise NotImplementedError

    def parse_job(self, response: Response) -> WriteJob | Outcome:
        """Parse the answer to a creation, to a closing, or a state. Raises Unreadable."""
        raise NotImplementedError

    def results_request(self, credential: Credential, job: str, *, failed: bool) -> Request:
        """Build the request for the results of the written, or of the refused, records."""
        raise NotImplementedError

    def parse_results(
        self, response: Response, form: BulkForm
    ) -> Mapping[str, RecordResult] | Outcome:
        """Return the results by the key of the record. Raises Unreadable."""
        raise NotImplementedError
