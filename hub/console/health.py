"""How the hub stands: workers, pools, pumps, bells, what has not arrived; in a fixed number of bounded questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, islice
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Min

from hub.health.probes import UNSERVED_MOST, database_latency
from hub.mail.models import Mail
from hub.outgoing.explain import in_state, shown_reason
from hub.outgoing.models import Delivery, PumpSlot
from hub.outgoing.pump.claim import claimable, in_hand
from hub.outgoing.pump.place import capacity
from hub.queue import WakeUp, queue_rows
from hub.standing import Replacement, SweepFailure, Worker

COUNTED = 10_000  # rows of a kind; beyond that it reads "10,000+"
RECENT = 10  # replacements
SLOW = 0.5  # seconds for one question to the database
SLOW_MAIL = timedelta(minutes=10)  # a server that puts off strangers has let it in by then


class Sending(NamedTuple):
    """What one pump has claimed."""

    lease: UUID
    rows: int
    since: datetime


@dataclass(frozen=True)
class Standing:
    now: datetime
    latency: float  # seconds
    workers: Sequence[Worker]
    replacements: Sequence[Replacement]
    failures: Sequence[SweepFailure]
    places: Sequence[PumpSlot]
    bells: Sequence[WakeUp]
    queue_rows: int
    sending: Sequence[Sending]
    due: int
    unserved: timedelta  # the longest that a lane waits for its turn
    held: Sequence[tuple[str, int]]  # by reason
    mails: timedelta  # the longest that a mail waits

    @property
    def living(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.is_alive(now=self.now)]

    @property
    def deaf(self) -> list[Worker]:
        """Their pools were not heard for long."""
        return [worker for worker in self.living if not worker.hears(now=self.now)]

    @property
    def claimed(self) -> int:
        return sum(entry.rows for entry in self.sending)

    @property
    def held_rows(self) -> int:
        return sum(rows for _, rows in self.held)


def standing(*, now: datetime) -> Standing:
    workers = list(Worker.objects.order_by("host", "pid"))
    return Standing(
        now=now,
        latency=database_latency(),
        workers=workers,
        replacements=list(Replacement.objects.order_by("-at")[:RECENT]),
        failures=list(SweepFailure.objects.order_by("step")),
        places=places(workers, now=now),
        bells=list(WakeUp.objects.filter(requested_at__isnull=False).order_by("requested_at")[:RECENT]),
        queue_rows=queue_rows(),
        sending=sending(),
        due=due(now=now),
        unserved=unserved_lanes(now=now),
        held=held_by_reason(),
        mails=overdue_mails(now=now),
    )


def places(workers: Sequence[Worker], *, now: datetime) -> list[PumpSlot]:
    """One for each pump that runs, and one for each that may run beside them."""
    taken = list(PumpSlot.objects.filter(lease_until__gt=now).order_by("number"))
    free = capacity(workers, total=settings.HUB_PUMPS_TOTAL, now=now) - len(taken)
    unused = (number for number in count() if number not in {row.number for row in taken})
    return taken + [PumpSlot(number=number) for number in islice(unused, max(0, free))]


def sending() -> list[Sending]:
    rows = in_hand().order_by().values("lease")
    found = rows.annotate(rows=Count("pk"), since=Min("state_changed_at")).values_list("lease", "rows", "since")
    return sorted(map(Sending._make, found), key=lambda entry: entry.since)


def due(*, now: datetime) -> int:
    rows = Delivery.unscoped.filter(in_state("waiting"), due_at__lte=now).order_by().values("pk")
    return rows[: COUNTED + 1].count()


def unserved_lanes(*, now: datetime) -> timedelta:
    """Since when the lane that waits longest could be served: it was due, and its last turn was over."""
    rows = claimable(now=now).values_list("due_at", "virtual_time").order_by("virtual_time")[:RECENT]
    return max((now - max(at, turn) for at, turn in rows), default=timedelta())


def overdue_mails(*, now: datetime) -> timedelta:
    oldest = Mail.objects.filter(state="waiting", created_at__lte=now).aggregate(oldest=Min("created_at"))["oldest"]
    return now - oldest if oldest else timedelta()


def held_by_reason() -> list[tuple[str, int]]:
    newest = Delivery.unscoped.filter(in_state("held")).order_by("-id").values("pk")[: COUNTED + 1]
    rows = Delivery.unscoped.filter(pk__in=newest).order_by().annotate(cause=shown_reason()).values("cause")
    return list(rows.annotate(rows=Count("pk")).order_by("-rows").values_list("cause", "rows"))


class Said(NamedTuple):
    tone: str
    icon: str
    text: str
    detail: str = ""


def said(seen: Standing) -> Said:
    """The worst thing counts. Pure."""
    if not seen.living:
        return Said("bad", "heart_broken", "No worker is running.", "Start `manage.py work`: it sends.")
    if seen.deaf:
        return Said("bad", "hearing_disabled", "A pool does not hear its bells.", "Its worker replaces it by itself.")
    if seen.unserved > UNSERVED_MOST:
        return Said("bad", "hourglass_disabled", "What is due is not sent.", "Are there enough pumps?")
    if seen.failures:
        steps = ", ".join(failure.step for failure in seen.failures)
        return Said("bad", "build", "A part of the background work fails.", f"{steps}: the log says why.")
    if seen.latency > SLOW:
        return Said("warn", "database", "The database is slow.", f"One question took {seen.latency:.1f} s.")
    if seen.mails > SLOW_MAIL:
        return Said("warn", "mail", "Mails do not go out.", "The list of mails says why; each is tried again.")
    count = len(seen.living)
    return Said("good", "favorite", f"All stands: {count} {'worker runs' if count == 1 else 'workers run'}.")


class Bar(NamedTuple):
    label: str
    rows: int
    share: float  # of the longest, in per cent
    query: str  # of the list of deliveries


def bars(seen: Standing) -> list[Bar]:
    """Where deliveries are that have not arrived. Pure."""
    counted = [("due", seen.due, "state=waiting"), ("sending", seen.claimed, "state=sending")]
    for reason, rows in seen.held:
        query = urlencode({"state": "held", "reason": reason})
        counted.append((f"held: {reason.replace('_', ' ')}", rows, query))
    most = max(rows for _, rows, _ in counted) or 1
    return [Bar(label, rows, round(100 * rows / most, 1), query) for label, rows, query in counted]


class Pump(NamedTuple):
    name: str
    until: datetime | None  # None: nobody has the place
    sending: Sending | None


def pumps(seen: Standing) -> list[Pump]:
    """Each place with what its pump sends; and what was claimed by pumps that are leaving, or died. Pure."""
    claimed = {entry.lease: entry for entry in seen.sending}
    found = []
    for place in seen.places:
        taken = place.lease_until is not None and place.lease_until > seen.now
        entry = claimed.pop(place.lease, None) if place.lease else None
        found.append(Pump(f"{place.number + 1}", place.lease_until if taken else None, entry))
    return found + [Pump("left its place", None, entry) for entry in claimed.values()]
