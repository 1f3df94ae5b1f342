"""The roles of what a connector reads page by page, and of records from which people choose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.http import Request, Response
from connectors.outcomes import Outcome
from connectors.schema import Credential


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


def parse_instant(value: object) -> datetime | None:
    """Parse ISO 8601 with a UTC offset to UTC; None for anything else. Never raises."""
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
        return instant.astimezone(UTC) if instant is not None and instant.tzinfo else None
    except (ValueError, OverflowError):
        return None
