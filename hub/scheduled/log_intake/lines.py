"""Log lines: parse and check them, mask secrets in them, pack and unpack them."""

import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

from connectors.http import dump_json, load_json
from hub.crypto.redaction import MASK, SECRET_NAMES, redact_text
from hub.problems import Problem, Refusal
from hub.problems.strict_json import read_json

# a number from here on counts milliseconds: as seconds, the year 5138
EPOCH_MILLISECONDS_FROM = 1e11
MAX_EPOCH_MILLISECONDS = 1e14
BLANKS = b" \t\r\n"
TIME_NAMES = ("time", "at", "timestamp")  # of a record that was not sent as a line
SECRET_NAME = re.compile(SECRET_NAMES)
COMPRESSION_LEVEL = 1  # text of logs shrinks to a tenth, at 100 MB/s
WRONG_TIME = (
    "“time” must be a time with UTC offset, such as 2026-11-25T12:00:00Z, or seconds or "
    "milliseconds since 1970."
)


class InvalidLine(Refusal):
    """A line cannot be accepted. `number` counts from 1, blank lines included."""

    def __init__(self, number: int, reason: str, *, code: str = "invalid-line") -> None:
        super().__init__(f"Line {number}: {reason}", field=str(number - 1))
        self.code = code


@dataclass(frozen=True, slots=True)
class LogLine:
    """`time` in seconds since 1970; `text` is one JSON object in UTF-8 on one line."""

    time: float
    text: bytes
    number: int = 0  # in the request, from 1
    tenant: str = ""  # the reference in the line


def parse_lines(raw: bytes, *, now: datetime) -> Iterator[LogLine]:
    """Yield the lines of an NDJSON document; blank ones are skipped. Raises InvalidLine.

    Lines are cut off one by one, so that a document of newlines takes no memory.
    """
    received = now.timestamp()
    for number, part in enumerate(BytesIO(raw), 1):
        if not (text := part.strip(BLANKS)):
            continue
        document = _read_object(number, text)
        tenant = document.get("tenant")
        try:
            time = parse_time(document["time"]) if "time" in document else received
        except (ValueError, OverflowError):
            raise InvalidLine(number, WRONG_TIME) from None
        yield LogLine(time, text, number, tenant if isinstance(tenant, str) else "")


def _read_object(number: int, text: bytes) -> Mapping[str, Any]:
    try:
        document = read_json(text)
    except Problem as problem:
        reason = str(problem.detail).replace(" at line 1, column ", " at column ")
        raise InvalidLine(number, reason) from None
    if not isinstance(document, dict) or not document:
        raise InvalidLine(number, "A line must be a JSON object that is not empty.")
    return document


def parse_time(value: object) -> float:
    """Return seconds since 1970 of a number, or of ISO 8601 with offset. Raises ValueError."""
    if isinstance(value, str):
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError("a time must include its UTC offset")
        seconds = at.timestamp()
    elif isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = float(value)
        is_milliseconds = EPOCH_MILLISECONDS_FROM <= number < MAX_EPOCH_MILLISECONDS
        seconds = number / 1000 if is_milliseconds else number
    else:
        raise ValueError("not a time")
    if not 1 <= seconds < EPOCH_MILLISECONDS_FROM:
        raise ValueError("not a time of this era")
    return seconds


def build_line(record: Mapping[str, Any], *, now: datetime) -> LogLine:
    """Build the line of a record; a record without a readable time gets the current time."""
    time = now.timestamp()
    for name in TIME_NAMES:
        with suppress(ValueError, OverflowError):
            time = parse_time(record.get(name))
            break
    return LogLine(time, dump_json(record))


def digest_lines(lines: Iterable[LogLine]) -> str:
    """Return the SHA-256 of the lines as they were received."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.text + b"\n")
    return digest.hexdigest()


def mask_lines(lines: Sequence[LogLine]) -> Sequence[LogLine]:
    """Return the lines without secrets, by the rules of `hub.crypto.redaction`.

    Nearly always there are none, which is checked for all lines at once.
    """
    text = b"\n".join(line.text for line in lines).decode()
    if redact_text(text) == text:
        return lines
    return [mask_line(line) for line in lines]


def mask_line(line: LogLine) -> LogLine:
    """Return the line without secrets; it remains valid JSON, as values are masked one by one."""
    text = line.text.decode()
    if redact_text(text) == text:
        return line
    masked = dump_json(mask_value(load_json(text)))
    return LogLine(line.time, masked, line.number, line.tenant)


def mask_value(value: Any, name: str = "") -> Any:
    if isinstance(value, str):
        return MASK if SECRET_NAME.fullmatch(name) else redact_text(value)
    if isinstance(value, dict):
        return {redact_text(key): mask_value(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [mask_value(inner, name) for inner in value]
    return value


def pack_lines(lines: Iterable[LogLine]) -> tuple[bytes, int]:
    """Return the compressed lines, each `<seconds> <JSON>`, and their uncompressed size."""
    body = b"\n".join(b"%.6f %b" % (line.time, line.text) for line in lines)
    return zlib.compress(body, COMPRESSION_LEVEL), len(body)


def unpack_lines(body: bytes | memoryview) -> list[bytes]:
    """Return the lines of a packed body, each `<seconds> <JSON>`."""
    return zlib.decompress(body).split(b"\n")
