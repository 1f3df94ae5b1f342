"""The life line of a credential as an SVG of 600 × 48: what happened to it, and what comes next. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from hub.words import CREDENTIAL_EVENTS

WIDTH, MARGIN, MIDDLE = 600.0, 12.0, 24.0
SHOWN_MOST = 60  # events, the newest; the table has the same
LOOKS = {  # kind: how its mark looks, so that colour alone tells nothing
    "issued": "born",
    "reconnected": "born",
    "replaced": "born",
    "refreshed": "good",
    "refresh_failed": "warn",
    "unsure": "warn",
    "ended": "bad",
    "revoked": "bad",
    "uninstalled": "warn",
    "given_back": "bad",
    "not_given_back": "warn",
}
SHAPES = {  # around 0, 0
    "born": "M-6,-6H6V6H-6Z",
    "good": "M0,-4A4,4 0 1 1 0,4A4,4 0 1 1 0,-4Z",
    "warn": "M0,-7L7,6H-7Z",
    "bad": "M-6,-4L-4,-6L0,-2L4,-6L6,-4L2,0L6,4L4,6L0,2L-4,6L-6,4L-2,0Z",
    "next": "M-1,-9H1V9H-1Z",
}


class Mark(NamedTuple):
    at: datetime
    x: float
    look: str
    shape: str
    label: str
    detail: str = ""
    version: int | None = None


class Stretch(NamedTuple):
    """From one mark to the next: whether the authorization lived."""

    x: float
    width: float
    look: str


class Picture(NamedTuple):
    marks: Sequence[Mark]
    coming: Sequence[Mark]
    stretches: Sequence[Stretch]
    now_x: float

    @property
    def newest_first(self) -> Sequence[Mark]:
        return [*reversed(self.coming), *reversed(self.marks)]


def drawn(events: Iterable[Any], *, now: datetime, refresh_due_at: datetime | None, ends: datetime | None) -> Picture:
    """Of events as they happened, oldest first; what is still to come stands behind now."""
    events = list(events)[-SHOWN_MOST:]
    told = [(_("Another access token is asked for"), refresh_due_at), (_("The access token ends"), ends)]
    coming = sorted([(at, label) for label, at in told if at and at > now])
    start = events[0].at if events else now - timedelta(hours=1)
    over = (coming[-1][0] if coming else now) - start

    def place(at: datetime) -> float:
        return round(MARGIN + (WIDTH - 2 * MARGIN) * ((at - start) / over if over else 1.0), 1)

    marks = [mark_of(event, place(event.at)) for event in events]
    next_ones = [Mark(at, place(at), "next", SHAPES["next"], label) for at, label in coming]
    return Picture(marks, next_ones, stretches(marks, place(now)), place(now))


def mark_of(event: Any, x: float) -> Mark:
    look = LOOKS.get(event.kind, "warn")
    label = CREDENTIAL_EVENTS[event.kind].sentence if event.kind in CREDENTIAL_EVENTS else event.kind
    return Mark(event.at, x, look, SHAPES[look], label, words(event.detail), event.version)


def words(detail: str) -> str:
    return detail.replace("_", " ")


def stretches(marks: Sequence[Mark], end: float) -> list[Stretch]:
    ends = [*(mark.x for mark in marks[1:]), end]
    return [
        Stretch(mark.x, round(max(0.0, to - mark.x), 1), "dead" if mark.look == "bad" else "alive")
        for mark, to in zip(marks, ends, strict=False)
    ]
