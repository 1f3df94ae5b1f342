"""The position of a read: the system's cursor, and the state of the pages before it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connectors.outcomes import READ_ERRORS


class InvalidPosition(ValueError):
    """The text is not a position of a read."""


@dataclass(frozen=True, slots=True)
class ReadPosition:
    """The position at which a read continues.

    `reason` is a code that says why the read is incomplete already; "": it is complete so far.
    """

    cursor: str = ""  # of the system; empty: before the first page
    read_at: datetime | None = None  # when the last page was received
    page_count: int = 0
    reason: str = ""

    def to_text(self) -> str:
        read_at = self.read_at.isoformat() if self.read_at else ""
        return json.dumps([self.cursor, read_at, self.page_count, self.reason])

    def with_reason(self, reason: str) -> "ReadPosition":
        """Return the position with this reason, unless it has one."""
        return self if self.reason or not reason else replace(self, reason=reason)

    def after_page(self, cursor: str, *, now: datetime) -> "ReadPosition":
        return replace(self, cursor=cursor, read_at=now, page_count=self.page_count + 1)


def parse_position(text: str) -> ReadPosition:
    """Parse the result of `to_text`; the start for an empty text. Raises InvalidPosition."""
    if not text:
        return ReadPosition()
    try:
        cursor, read_at, page_count, reason = json.loads(text)
        instant = datetime.fromisoformat(read_at) if read_at else None
        return ReadPosition(str(cursor), instant, int(page_count), str(reason))
    except READ_ERRORS as error:
        raise InvalidPosition("not a position of a read") from error


class ProgressWatch:
    """Detects a read without progress: a repeated cursor or page, or only empty pages."""

    def __init__(self, *, empty_pages_max: int) -> None:
        self._cursors: set[int] = set()
        self._last_ids: Sequence[str] = ()
        self._empty_pages_max = empty_pages_max
        self._empty_page_count = 0

    def find_problem(self, cursor: str, ids: Sequence[str]) -> str:
        """Return why this page, which is not the last, brings no progress; "" if it does."""
        key = hash(cursor)
        if key in self._cursors:
            return "cursor_repeated"
        self._cursors.add(key)
        if ids and ids == self._last_ids:
            return "page_repeated"
        self._last_ids = ids
        self._empty_page_count = 0 if ids else self._empty_page_count + 1
        return "no_progress" if self._empty_page_count > self._empty_pages_max else ""
