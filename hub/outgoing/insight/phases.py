"""Where the time of a delivery went: waiting for its turn, sending without an answer, and waiting
for the system's answers. Pure.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils.translation import gettext as _

from hub.charts import Bar, time_bar
from hub.outgoing.insight.timeline import TimelineStep
from hub.outgoing.models import FINAL_STATES, Delivery

WAITING, SENDING, ANSWERING = "waiting", "sending", "answering"


class Phase(NamedTuple):
    """A stretch of time of one kind, with its place in the picture."""

    kind: str
    label: str
    starts_at: datetime
    length: timedelta
    bar: Bar

    @property
    def length_text(self) -> str:
        return format_length(self.length)

    @property
    def tone(self) -> str:
        """The colour of the picture in the portal."""
        return {WAITING: "info", SENDING: "bad"}.get(self.kind, "good")


class PhaseTotal(NamedTuple):
    kind: str
    label: str
    length: timedelta
    percent: int

    @property
    def length_text(self) -> str:
        return format_length(self.length)


class Phases(NamedTuple):
    """The phases of a delivery in order, and how long each kind took together."""

    starts_at: datetime
    ends_at: datetime
    phases: Sequence[Phase]
    totals: Sequence[PhaseTotal]


def measure_phases(
    delivery: Delivery, steps: Sequence[TimelineStep], *, now: datetime
) -> Phases | None:
    """Return the phases from the acceptance to the end, or to now; None if it never waited nor was
    sent.

    A call without an answer counts as *sending*: the request may not have left, or the answer was
    lost. The steps are those of its timeline.
    """
    starts_at = delivery.accepted_at
    is_over = delivery.state in FINAL_STATES
    ends_at = max(starts_at, delivery.state_changed_at if is_over else now)
    parts = [part for part in _split_time(delivery, steps, ends_at) if part[3] > timedelta()]
    if not parts:
        return None
    ends_at = max(ends_at, *(at + length for _kind, _label, at, length in parts))
    phases = [
        Phase(kind, label, at, length, time_bar(at, at + length, starts_at, ends_at))
        for kind, label, at, length in parts
    ]
    return Phases(starts_at, ends_at, phases, sum_phases(phases))


def sum_phases(phases: Sequence[Phase]) -> list[PhaseTotal]:
    """Return each kind with its length and its share of the whole."""
    labels = {
        WAITING: _("Waiting in the hub"),
        SENDING: _("Sending without an answer"),
        ANSWERING: _("Waiting for the system's answer"),
    }
    lengths = {
        kind: sum((phase.length for phase in phases if phase.kind == kind), timedelta())
        for kind in labels
    }
    whole = sum(lengths.values(), timedelta()) or timedelta(seconds=1)
    return [
        PhaseTotal(kind, label, lengths[kind], round(100 * lengths[kind] / whole))
        for kind, label in labels.items()
    ]


def _split_time(
    delivery: Delivery, steps: Sequence[TimelineStep], ends_at: datetime
) -> Iterator[tuple[str, str, datetime, timedelta]]:
    attempts = [step for step in steps if step.attempt is not None]
    at = delivery.accepted_at
    for step in attempts:
        attempt = step.attempt
        assert attempt is not None
        names = {"number": attempt.number}
        yield (
            WAITING,
            _("Until attempt %(number)s") % names,
            at,
            attempt.started_at - at,
        )
        length = timedelta(milliseconds=attempt.milliseconds or 0)
        kind = ANSWERING if has_answer(step) else SENDING
        yield kind, _("Attempt %(number)s") % names, attempt.started_at, length
        at = max(at, attempt.started_at + length)
    yield WAITING, _("Since the last attempt") if attempts else _("Not sent yet"), at, ends_at - at


def has_answer(step: TimelineStep) -> bool:
    """Return whether the system answered; without a stored call its outcome tells."""
    if step.call is not None:
        return step.call.exchange.status is not None
    return step.attempt is not None and step.attempt.outcome != "unknown"


def format_length(length: timedelta) -> str:
    """Return a length of time in units that fit: 85 ms, 4.2 s, 3 min 20 s, 2 h 5 min."""
    milliseconds = round(length.total_seconds() * 1000)
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    minutes, seconds = divmod(milliseconds // 1000, 60)
    if minutes < 60:
        return _("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": seconds}
    hours, minutes = divmod(minutes, 60)
    return _("%(hours)s h %(minutes)s min") % {"hours": f"{hours:,}", "minutes": minutes}
