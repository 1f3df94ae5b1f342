"""The roles of a connector: the actions and the collections that it declares."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.http import KIBIBYTE, Json, Request, Response
from connectors.outcomes import Outcome, read_outcomes
from connectors.schema import Credential, Input, Message


@dataclass(frozen=True, slots=True)
class RecordToWrite:
    """What a message writes to one record; `object` as in the types of the system's events."""

    object: str
    record: str  # its id; empty: it is created, or found by another key
    fields: Mapping[str, Json]  # by the names that the system's webhooks use
    may_exist: bool = False  # without an id: whether it is created shows in the answer only
    is_deletion: bool = False


class RequestRefused(Exception):
    """A request may not be sent as it was asked for. The text is the reason, for people."""


class Action:
    """An operation in the external system.

    Subclasses implement `request`, and `outcome` or `outcomes`.
    """

    key: str
    label: str
    help: str = ""
    inputs: tuple[Input, ...] = ()
    # a field mapping to start from
    example: Mapping[str, Any] = {}
    # the field mapping of a route without one; empty: the route must have one
    default: Mapping[str, Any] = {}
    # a field mapping that formats a notice of ours; empty: the action cannot send notices
    notice_mapping: Mapping[str, Any] = {}
    # a field mapping that formats a report of ours; empty: the action cannot send reports
    report_mapping: Mapping[str, Any] = {}
    permissions: Mapping[str, str] = {}
    batch_size_max: int = 1  # messages that one request may carry
    batch_bytes: int = 1024 * KIBIBYTE  # of rendered bodies in one request
    is_reply: bool = False  # it answers in the system that an event came from, and writes no record
    # it answers at the address that came with the incoming item which its input `item` names; one
    # message a request
    uses_reply_url: bool = False
    is_idempotent: bool = False  # the system takes our id: sending again has no second effect
    # the input whose object holds the fields of a record; empty: the whole body does
    fields_input: str = ""
    creates: bool = False  # it may create a record, which then needs its required fields

    def group_key(self, message: Message) -> Hashable:
        """Return the key of the message's group: a request has messages of one group only."""
        return None

    def find_body_problem(self, body: Mapping[str, Any]) -> str:
        """Return why this body cannot be sent, as text; empty if it can."""
        missing = [
            entry.key
            for entry in self.inputs
            if entry.required and body.get(entry.key) in (None, "")
        ]
        if missing:
            return f"missing: {', '.join(missing)}"
        unknown = sorted(set(body) - {entry.key for entry in self.inputs}) if self.inputs else []
        return f"not known to {self.label!r}: {', '.join(unknown)}" if unknown else ""

    def schema_object(self, body: Mapping[str, Any]) -> str:
        """Return the key of the schema object that a mapping with this body writes.

        The values in `body` are expressions. Returns "" if the action writes no schema object, or
        if the object is known only when an event is mapped.
        """
        return ""

    def needed_permissions(self, inputs: Iterable[str]) -> set[str]:
        """Return the permissions that a mapping with values for these inputs needs."""
        return set(self.permissions)

    def written_record(self, message: Message) -> RecordToWrite | None:
        """Return what the message writes to a record; None if the action writes none."""
        return None

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        raise NotImplementedError

    def outcome(self, response: Response) -> Outcome:
        raise NotImplementedError

    def outcomes(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        """Return one outcome for each message, in their order."""
        return [self.outcome(response)] * len(messages)

    def read_outcomes(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        """Return `outcomes`; *unknown* for each message if the response cannot be parsed."""
        return read_outcomes(lambda: self.outcomes(response, messages), response, len(messages))

    def confirm_request(self, messages: Sequence[Message], credential: Credential) -> Request:
        """Build the request that asks whether `pending` messages were confirmed, by tickets."""
        raise NotImplementedError

    def parse_confirmation(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        raise NotImplementedError

    def read_confirmation(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        return read_outcomes(
            lambda: self.parse_confirmation(response, messages), response, len(messages)
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Records of one response.

    `cursor` continues after them; empty: this was the last page. If it is not `is_complete`,
    records may be missing, for the reason of this code.
    """

    records: Sequence[Mapping[str, Any]]
    cursor: str = ""
    is_complete: bool = True
    reason: str = ""


class Collection:
    """Records that are read page by page.

    `page_request` takes its parameters as text. These have the same meaning in every collection
    that supports them: `since` and `until` (ISO 8601 with a UTC offset: records that changed from
    `since` on and before `until`), `deleted` ("true": with deleted records), `ids` (only the
    records with these ids, separated by commas), `page_size`, `tenant` (our reference), and `part`
    (of a collection that the system divides: one of `parts`).

    A record may be read twice if it changes meanwhile. A cursor survives a restart.
    """

    key: str
    label: str
    help: str = ""
    example: Mapping[str, str] = {}  # parameters to start from
    page_size: int = 100  # records that one request asks for, unless `page_size` says less
    ids_max: int = 0  # ids that `ids` may have; 0: the system cannot be asked for single records
    parts: tuple[str, ...] = ()  # lists that are read one after the other, the first by default
    reads_changes: bool = False  # `page_request` takes `since` and `until`
    reads_deleted: bool = False  # `page_request` takes `deleted`
    # a read without `since` is ordered by an id that never changes, and its cursor is a position in
    # that order: a record that exists during the whole read is read, whatever else changes
    ordered_by_key: bool = False
    has_ids: bool = True  # False: rows that have no identity, such as sums
    by_tenant: bool = False  # `page_request` needs `tenant`: our own application serves all tenants
    finds_by_type: bool = False  # `find_queries` needs the type of the field
    takes_conditions: bool = False  # `page_request` takes `conditions`, as `write_conditions` does
    # pages without records, one after the other, after which a read counts as without progress
    empty_pages_max: int = 20
    # within which two changes have the same `version`; 0: each change has a version of its own
    version_precision: timedelta = timedelta(0)

    def page_request(
        self, credential: Credential, *, at: datetime, cursor: str = "", **query: str
    ) -> Request:
        """Build the request for a page. Raises ValueError with a text for an invalid parameter."""
        raise NotImplementedError

    def parse_page(self, response: Response) -> Page | Outcome:
        """Parse a page of records, or the Outcome of a refusal. Raises Unreadable."""
        raise NotImplementedError

    def parse_page_at(
        self, response: Response, *, cursor: str, query: Mapping[str, str]
    ) -> Page | Outcome:
        """Parse the page that was requested with this cursor and parameters.

        By default a response says all. Raises Unreadable.
        """
        return self.parse_page(response)

    def find_queries(
        self, query: Mapping[str, str], field: str, values: Sequence[str], *, since: str, type: str
    ) -> Sequence[Mapping[str, str]]:
        """Return the parameters of reads that together have every record with one of these values
        in a field, and perhaps others, whatever conditions `query` has.

        `type` is the field's in the schema; "" if it is not known.

        Where the system cannot select by values: every record that changed from `since` on; "": of
        any time. Empty if neither is possible.
        """
        return ()

    def required_values(self, query: Mapping[str, str]) -> Mapping[str, str | int | bool]:
        """Return the values that records read with these parameters have, by fields in writes.

        A condition that no field expresses is returned by its own name.
        """
        return {}

    def record_id(self, record: Mapping[str, Any]) -> str:
        """Return the id of the record. Raises one of READ_ERRORS if it has none."""
        raise NotImplementedError

    def changed_at(self, record: Mapping[str, Any]) -> datetime | None:
        """Return when the record was last changed; None if that is unknown."""
        return None

    def version(self, record: Mapping[str, Any]) -> str:
        """Return the value for the precondition of an update; "" if the system has none."""
        return ""

    def is_deleted(self, record: Mapping[str, Any]) -> bool:
        return False


def parse_instant(value: object) -> datetime | None:
    """Parse ISO 8601 with a UTC offset to UTC; None for anything else. Never raises."""
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
        return instant.astimezone(UTC) if instant is not None and instant.tzinfo else None
    except (ValueError, OverflowError):
        return None


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


class Choices(Collection):
    """Records from which a person chooses one: the external side of an identity of this kind."""

    identity_kind: str
    is_one_to_one: bool = False  # such a record is paired with one record of ours at most

    def record_id(self, record: Mapping[str, Any]) -> str:
        return self.parse_choice(record)[0]

    def parse_choice(self, record: Mapping[str, Any]) -> tuple[str, str]:
        """Return the record's id and its name. Raises one of READ_ERRORS if it has none."""
        raise NotImplementedError

    def find_id_problem(self, id: str) -> str:
        """Return why this cannot be the id of such a record, as text; empty if it can."""
        return ""


@dataclass(frozen=True, slots=True)
class LineFormat:
    """Fields that all lines of a job share; where a text is empty, the system sets its default."""

    index: str = ""
    sourcetype: str = ""
    source: str = ""
    host: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)  # indexed


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """How many lines of a batch the system accepted, from the first on, and the refused one.

    `ticket` identifies a later acknowledgement; None: the response is the final acknowledgement.
    """

    accepted_count: int
    ticket: int | None = None
    refusal: str = ""  # why the next line was refused, in the system's words; empty: none was


class LogSink:
    """Builds requests with many log lines, and parses the result for each line.

    Each channel numbers its tickets from 0. A restart of the system forgets them and begins at 0
    again.
    """

    batch_bytes: int  # of one request, at most

    def build_events(
        self, lines: Sequence[bytes], first_line: int, line_format: LineFormat
    ) -> list[bytes]:
        """Build the event for each line `<seconds> <JSON>`; it contains the number of its line."""
        raise NotImplementedError

    def lines_request(
        self, events: Iterable[bytes], credential: Credential, *, channel: str
    ) -> Request:
        """Build the request of a batch; `channel` is a UUID."""
        raise NotImplementedError

    def parse_answer(self, response: Response, count: int) -> BatchAnswer | Outcome:
        """Parse the response to `count` lines; an Outcome if all are refused. Raises Unreadable."""
        raise NotImplementedError

    def tickets_request(
        self, tickets: Iterable[int], credential: Credential, *, channel: str
    ) -> Request:
        raise NotImplementedError

    def parse_tickets(self, response: Response) -> set[int] | Outcome:
        """Return the tickets that are acknowledged; each is reported once. Raises Unreadable."""
        raise NotImplementedError
