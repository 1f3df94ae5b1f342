"""Divide a delivery's time into phases: waiting for its turn, sending, waiting for the system."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from hub.charts import Bar, time_bar
from hub.number_texts import format_rounded, format_whole
from hub.outgoing.insight.timeline import ATTEMPTS_LIMIT
from hub.outgoing.models import FINAL_STATES, Delivery, Exchange

WAITING, SENDING, ANSWERING = "waiting", "sending", "answering"


class Phase(NamedTuple):
    """A period of one kind, with its position in the chart."""

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
        """Return the colour of the phase in the portal's chart."""
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
    """The phases of a delivery in order, and the total time of each kind."""

    starts_at: datetime
    ends_at: datetime
    phases: Sequence[Phase]
    totals: Sequence[PhaseTotal]


class CallTime(NamedTuple):
    """When an attempt called the other system, and whether a response was received."""

    number: int
    started_at: datetime
    length: timedelta
    is_answered: bool


def find_call_times(delivery: Delivery) -> list[CallTime]:
    """Return the calls of the newest attempts in order, in one statement."""
    answered = Exchange.objects.filter(pk=OuterRef("exchange"), status__isnull=False)
    newest = delivery.attempts.annotate(answered=Exists(answered)).order_by("-pk")[:ATTEMPTS_LIMIT]
    rows = newest.values_list("number", "started_at", "milliseconds", "answered")
    return [
        CallTime(number, started_at, timedelta(milliseconds=milliseconds or 0), is_answered)
        for number, started_at, milliseconds, is_answered in reversed(rows)
    ]


def measure_phases(
    delivery: Delivery, calls: Sequence[CallTime], *, now: datetime
) -> Phases | None:
    """Return the phases from acceptance to the end, or to now; None if it has none. Pure.

    A call without a stored response counts as *sending*: the request may not have left, or the
    response was lost.
    """
    starts_at = delivery.accepted_at
    is_over = delivery.state in FINAL_STATES
    ends_at = max(starts_at, delivery.state_changed_at if is_over else now)
    parts = [part for part in _split_time(delivery, calls, ends_at) if part[3] > timedelta()]
    if not parts:
        return None
    ends_at = max(ends_at, *(at + length for _kind, _label, at, length in parts))
    phases = [
        Phase(kind, label, at, length, time_bar(at, at + length, starts_at, ends_at))
        for kind, label, at, length in parts
    ]
    return Phases(starts_at, ends_at, phases, sum_phases(phases))


def sum_phases(phases: Sequence[Phase]) -> list[PhaseTotal]:
    """Return each kind with its total time and its share of the whole."""
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
    delivery: Delivery, calls: Sequence[CallTime], ends_at: datetime
) -> Iterator[tuple[str, str, datetime, timedelta]]:
    at = delivery.accepted_at
    for call in calls:
        names = {"number": call.number}
        yield WAITING, _("Until attempt %(number)s") % names, at, call.started_at - at
        kind = ANSWERING if call.is_answered else SENDING
        yield kind, _("Attempt %(number)s") % names, call.started_at, call.length
        at = max(at, call.started_at + call.length)
    yield WAITING, _("Since the last attempt") if calls else _("Not sent yet"), at, ends_at - at


def format_length(length: timedelta) -> str:
    """Format a duration in fitting units: 85 ms, 4.2 s, 3 min 20 s, 2 h 5 min."""
    milliseconds = round(length.total_seconds() * 1000)
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 60_000:
        return f"{format_rounded(milliseconds / 1000)} s"
    minutes, seconds = divmod(milliseconds // 1000, 60)
    if minutes < 60:
        return _("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": seconds}
    hours, minutes = divmod(minutes, 60)
    return _("%(hours)s h %(minutes)s min") % {"hours": format_whole(hours), "minutes": minutes}
