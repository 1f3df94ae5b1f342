"""Log lines to the HTTP Event Collector: many events in one request, with acknowledgements."""

from collections.abc import Iterable, Mapping, Sequence

from connectors.http import Request, Response, Unreadable, dump_json
from connectors.outcomes import Outcome
from connectors.roles import BatchAnswer, LineFormat, LogSink
from connectors.schema import Credential
from connectors.splunk.actions import build_collector_headers, build_collector_url
from connectors.splunk.errors import (
    CONNECTION,
    find_failed_index,
    find_rejection,
    parse_code,
)

# Invalid data format, Event field is required, … cannot be blank, Error in handling indexed fields.
# "Incorrect index" concerns all lines, which have the same index.
CODES_OF_LINES = {6, 12, 13, 15}
TOO_LARGE = 413
LINE_NUMBER = "log_line"  # the indexed field with the number of the line


class SplunkLogSink(LogSink):
    batch_bytes = 990_000  # a collector in the cloud takes about 1 MB

    def build_events(
        self, lines: Sequence[bytes], first_line: int, line_format: LineFormat
    ) -> list[bytes]:
        """Build an envelope for each line.

        Splunk does not detect duplicates: the indexed field `log_line` identifies them.
        """
        tail = build_envelope_tail(line_format)
        events = []
        for number, line in enumerate(lines, first_line):
            time, _, text = line.partition(b" ")
            events.append(b'{"time":%b,"event":%b,%b%d"}}' % (time, text, tail, number))
        return events

    def lines_request(
        self, events: Iterable[bytes], credential: Credential, *, channel: str
    ) -> Request:
        return Request(
            "POST",
            f"{build_collector_url(credential)}/event",
            body=b"\n".join(events),
            headers={
                "Content-Type": "application/json",
                **build_collector_headers(credential),
                "X-Splunk-Request-Channel": channel,
            },
            spends=((CONNECTION, 1),),
        )

    def parse_answer(self, response: Response, count: int) -> BatchAnswer | Outcome:
        rejection = find_rejection(response)
        if rejection is None:
            return BatchAnswer(count, parse_ticket(response))
        if not is_about_a_line(response):
            return rejection
        place = find_failed_index(response, count) or 0 if response.status != TOO_LARGE else 0
        ticket = parse_ticket(response) if place else None
        return BatchAnswer(place, ticket, rejection.detail or rejection.reason)

    def tickets_request(
        self, tickets: Iterable[int], credential: Credential, *, channel: str
    ) -> Request:
        return Request(
            "POST",
            f"{build_collector_url(credential)}/ack",
            json={"acks": sorted(tickets)},
            headers={
                **build_collector_headers(credential),
                "X-Splunk-Request-Channel": channel,
            },
            spends=((CONNECTION, 1),),
        )

    def parse_tickets(self, response: Response) -> set[int] | Outcome:
        if rejection := find_rejection_of_tickets(response):
            return rejection
        acks = response.json()["acks"]
        if not isinstance(acks, Mapping):
            raise Unreadable("acks is not an object")
        return {int(ticket) for ticket, is_indexed in acks.items() if is_indexed is True}


def build_envelope_tail(line_format: LineFormat) -> bytes:
    """Return the end of each envelope, up to the number of its line."""
    location = {
        name: value
        for name in ("host", "source", "sourcetype", "index")
        if (value := getattr(line_format, name))
    }
    fields = dump_json({**line_format.fields, LINE_NUMBER: ""})
    head = dump_json(location)[1:-1] + b"," if location else b""
    return head + b'"fields":' + fields.removesuffix(b'"}')


def parse_ticket(response: Response) -> int | None:
    """Return the number of the acknowledgement; None if the token uses none. Raises Unreadable."""
    ticket = response.json().get("ackId")
    if ticket is None:
        return None
    if not isinstance(ticket, int) or isinstance(ticket, bool) or ticket < 0:
        raise Unreadable("ackId is not a number")
    return ticket


def is_about_a_line(response: Response) -> bool:
    """Return whether the error concerns a line or the size of the batch, not the whole request."""
    try:
        return response.status == TOO_LARGE or parse_code(response) in CODES_OF_LINES
    except Unreadable:
        return False


def find_rejection_of_tickets(response: Response) -> Outcome | None:
    """Return the Outcome of a failed acknowledgement request; None for an answer without code."""
    answer = response.json() if response.status == 200 else None
    if isinstance(answer, Mapping) and "acks" in answer:
        return None
    return find_rejection(response)
