"""The role of a connector that receives log lines in batches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.http import Request, Response
from connectors.outcomes import Outcome
from connectors.schema import Credential


@dataclass(frozen=True, slots=True)
class LineFormat:
    """What all lines of a job have in common; empty texts are left to the system."""

    index: str = ""
    sourcetype: str = ""
    source: str = ""
    host: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)  # indexed


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """Which lines of a batch the system accepted: the first ones, up to a line that it refused.

    `ticket` identifies its later acknowledgement; None: accepting is final.
    """

    accepted_count: int
    ticket: int | None = None
    refusal: str = ""  # why the next line was refused, in the system's words; empty: none was


class LogSink:
    """Builds requests with many lines, and parses what became of each.

    Tickets count upwards in each channel, from 0 again after a restart, which forgets them.
    """

    batch_bytes: int  # of one request, at most

    def build_events(
        self, lines: Sequence[bytes], first_line: int, line_format: LineFormat
    ) -> list[bytes]:
        """Build what is sent for each line `<seconds> <JSON>`; it holds the number of the line."""
        raise NotImplementedError

    def lines_request(
        self, events: Iterable[bytes], credential: Credential, *, channel: str
    ) -> Request:
        """Build the request of a batch; `channel` is a UUID."""
        raise NotImplementedError

    def parse_answer(self, response: Response, count: int) -> BatchAnswer | Outcome:
        """Parse the answer to `count` lines; the Outcome of a refusal of all. Raises Unreadable."""
        raise NotImplementedError

    def tickets_request(
        self, tickets: Iterable[int], credential: Credential, *, channel: str
    ) -> Request:
        raise NotImplementedError

    def parse_tickets(self, response: Response) -> set[int] | Outcome:
        """Return the tickets that are acknowledged; each is reported once. Raises Unreadable."""
        raise NotImplementedError
