"""The timeline of a credential as an SVG of 600 × 48, with past and next events. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils.translation import gettext as _

from hub.connections.models import CredentialEvent
from hub.state_texts import CREDENTIAL_EVENTS

WIDTH, MARGIN, MIDDLE = 600.0, 12.0, 24.0
EVENTS_MAX = 60  # events; the table shows the same
MARK_STYLES = {  # kind: style and shape of its mark, so that it does not depend on colour alone
    "issued": "born",
    "reconnected": "born",
    "replaced": "born",
    "refreshed": "good",
    "refresh_failed": "warn",
    "unsure": "warn",
    "ended": "bad",
    "revoked": "bad",
    "withheld": "bad",
    "restored": "born",
    "uninstalled": "warn",
    "given_back": "bad",
    "not_given_back": "warn",
}
MARK_SHAPES = {  # around 0, 0
    "born": "M-6,-6H6V6H-6Z",
    "good": "M0,-4A4,4 0 1 1 0,4A4,4 0 1 1 0,-4Z",
    "warn": "M0,-7L7,6H-7Z",
    "bad": "M-6,-4L-4,-6L0,-2L4,-6L6,-4L2,0L6,4L4,6L0,2L-4,6L-6,4L-2,0Z",
    "next": "M-1,-9H1V9H-1Z",
}


class TimelineMark(NamedTuple):
    at: datetime
    x: float
    style: str
    shape: str
    label: str
    detail: str = ""
    version: int | None = None


class TimelineSegment(NamedTuple):
    """A segment between two marks; its style shows whether the authorization was valid."""

    x: float
    width: float
    style: str


class CredentialTimeline(NamedTuple):
    past_marks: Sequence[TimelineMark]
    upcoming_marks: Sequence[TimelineMark]
    segments: Sequence[TimelineSegment]
    now_x: float

    @property
    def newest_first(self) -> Sequence[TimelineMark]:
        return [*reversed(self.upcoming_marks), *reversed(self.past_marks)]


def draw_timeline(
    events: Iterable[CredentialEvent],
    *,
    now: datetime,
    refresh_due_at: datetime | None,
    expires_at: datetime | None,
) -> CredentialTimeline:
    """Draw events, the oldest first; future events are to the right of `now`."""
    events = list(events)[-EVENTS_MAX:]
    planned = [
        (_("The access token is refreshed"), refresh_due_at),
        (_("The access token expires"), expires_at),
    ]
    coming = sorted([(at, label) for label, at in planned if at and at > now])
    start = events[0].at if events else now - timedelta(hours=1)
    over = (coming[-1][0] if coming else now) - start

    def x_position(at: datetime) -> float:
        return round(MARGIN + (WIDTH - 2 * MARGIN) * ((at - start) / over if over else 1.0), 1)

    past_marks = [_draw_mark(event, x_position(event.at)) for event in events]
    upcoming_marks = [
        TimelineMark(at, x_position(at), "next", MARK_SHAPES["next"], label) for at, label in coming
    ]
    return CredentialTimeline(
        past_marks, upcoming_marks, _draw_segments(past_marks, x_position(now)), x_position(now)
    )


def _draw_mark(event: CredentialEvent, x: float) -> TimelineMark:
    look = MARK_STYLES.get(event.kind, "warn")
    label = (
        CREDENTIAL_EVENTS[event.kind].sentence if event.kind in CREDENTIAL_EVENTS else event.kind
    )
    return TimelineMark(
        event.at, x, look, MARK_SHAPES[look], label, _describe_detail(event.detail), event.version
    )


def _describe_detail(detail: str) -> str:
    return detail.replace("_", " ")


def _draw_segments(marks: Sequence[TimelineMark], end: float) -> list[TimelineSegment]:
    end_positions = [*(mark.x for mark in marks[1:]), end]
    return [
        TimelineSegment(
            mark.x, round(max(0.0, end_x - mark.x), 1), "dead" if mark.style == "bad" else "alive"
        )
        for mark, end_x in zip(marks, end_positions, strict=False)
    ]
