"""The role of a connector whose system takes log lines."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.http import Request, Response
from connectors.outcomes import Outcome
from connectors.schema import Credential


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
