"""The health of the hub: workers, pools, pumps, wake-ups and backlog.

It takes a fixed number of bounded queries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count, Min

from hub.health.probes import MAX_UNSERVED_TIME, measure_database_latency
from hub.incoming.insight.figures import InboxHealth, measure_inbox
from hub.mail.models import Mail
from hub.outgoing.insight.explain import effective_reason_case, match_effective_state
from hub.outgoing.insight.pumps import (
    PumpClaim,
    list_pump_claims,
    list_pump_slots,
    longest_unserved_time,
)
from hub.outgoing.models import Delivery
from hub.processes.loop_slots import LoopSlot
from hub.processes.worker_registry import Replacement, SweepFailure, Worker
from hub.queue import WakeUp, queue_length
from tenants.scoping import ALL_TENANTS

MAX_ROWS_COUNTED = 10_000  # rows of a kind; beyond that it reads "10,000+"
REPLACEMENTS_SHOWN = 10  # the newest ones
INBOX_ROWS_COUNTED = 1_000
SLOW_DATABASE = 0.5  # seconds of one query
SLOW_MAIL = timedelta(minutes=10)  # a server with greylisting accepts a mail by then


@dataclass(frozen=True)
class HealthSnapshot:
    now: datetime
    database_latency: float  # seconds
    workers: Sequence[Worker]
    replacements: Sequence[Replacement]
    failures: Sequence[SweepFailure]
    pump_slots: Sequence[LoopSlot]
    pending_wakeups: Sequence[WakeUp]
    queue_rows: int
    pump_claims: Sequence[PumpClaim]
    due_deliveries: int
    longest_lane_wait: timedelta  # the longest time that a lane waits for its turn
    held_reasons: Sequence[tuple[str, int]]  # by reason
    longest_mail_wait: timedelta  # the longest time that a mail waits
    inbox: InboxHealth

    @property
    def live_workers(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.is_alive(now=self.now)]

    @property
    def unresponsive_workers(self) -> list[Worker]:
        """Return the live workers whose pools have sent no heartbeat for too long."""
        return [
            worker for worker in self.live_workers if not worker.is_pool_responsive(now=self.now)
        ]

    @property
    def claimed_count(self) -> int:
        return sum(entry.delivery_count for entry in self.pump_claims)

    @property
    def held_rows(self) -> int:
        return sum(rows for _, rows in self.held_reasons)


def take_health_snapshot(*, now: datetime) -> HealthSnapshot:
    workers = list(Worker.objects.order_by("host", "pid"))
    return HealthSnapshot(
        now=now,
        database_latency=measure_database_latency(),
        workers=workers,
        replacements=list(Replacement.objects.order_by("-at")[:REPLACEMENTS_SHOWN]),
        failures=list(SweepFailure.objects.order_by("step")),
        pump_slots=list_pump_slots(workers, total=settings.HUB_PUMPS_TOTAL, now=now),
        pending_wakeups=list(
            WakeUp.objects.filter(requested_at__isnull=False).order_by("requested_at")[
                :REPLACEMENTS_SHOWN
            ]
        ),
        queue_rows=queue_length(),
        pump_claims=list_pump_claims(),
        due_deliveries=count_due_deliveries(now=now),
        longest_lane_wait=longest_unserved_time(now=now),
        held_reasons=count_held_by_reason(),
        longest_mail_wait=measure_longest_mail_wait(now=now),
        inbox=measure_inbox(ALL_TENANTS, limit=INBOX_ROWS_COUNTED),
    )


def count_due_deliveries(*, now: datetime) -> int:
    rows = (
        Delivery.unscoped.filter(match_effective_state("waiting"), due_at__lte=now)
        .order_by()
        .values("pk")
    )
    return rows[: MAX_ROWS_COUNTED + 1].count()


def measure_longest_mail_wait(*, now: datetime) -> timedelta:
    oldest = Mail.objects.filter(state="waiting", created_at__lte=now).aggregate(
        oldest=Min("created_at")
    )["oldest"]
    return now - oldest if oldest else timedelta()


def count_held_by_reason() -> list[tuple[str, int]]:
    newest = (
        Delivery.unscoped.filter(match_effective_state("held"))
        .order_by("-id")
        .values("pk")[: MAX_ROWS_COUNTED + 1]
    )
    rows = (
        Delivery.unscoped.filter(pk__in=newest)
        .order_by()
        .annotate(cause=effective_reason_case())
        .values("cause")
    )
    return list(rows.annotate(rows=Count("pk")).order_by("-rows").values_list("cause", "rows"))


class HealthSummary(NamedTuple):
    tone: str
    icon: str
    text: str
    detail: str = ""


def summarize_health(snapshot: HealthSnapshot) -> HealthSummary:
    """Return the summary of the most severe problem. Pure."""
    count = len(snapshot.live_workers)
    return (
        _find_missing_processes(snapshot)
        or _find_stuck_work(snapshot)
        or _find_slow_parts(snapshot)
        or HealthSummary(
            "good",
            "favorite",
            f"All systems normal: {count} {'worker runs' if count == 1 else 'workers run'}.",
        )
    )


def _find_missing_processes(snapshot: HealthSnapshot) -> HealthSummary | None:
    if not snapshot.live_workers:
        return HealthSummary(
            "bad",
            "heart_broken",
            "No worker is running.",
            "Start `manage.py work` to send deliveries.",
        )
    if snapshot.unresponsive_workers:
        return HealthSummary(
            "bad",
            "hearing_disabled",
            "A pool does not take its wake-ups.",
            "Its worker replaces the pool automatically.",
        )
    return None


def _find_stuck_work(snapshot: HealthSnapshot) -> HealthSummary | None:
    if snapshot.longest_lane_wait > MAX_UNSERVED_TIME:
        return HealthSummary(
            "bad",
            "hourglass_disabled",
            "Due deliveries are not being sent.",
            "Check whether there are enough pumps.",
        )
    if snapshot.inbox.measure_age(now=snapshot.now) > MAX_UNSERVED_TIME:
        return HealthSummary(
            "bad",
            "hourglass_disabled",
            "Received webhooks are not being processed.",
            "Check whether a worker runs the class inbox.",
        )
    if snapshot.failures:
        steps = ", ".join(failure.step for failure in snapshot.failures)
        return HealthSummary(
            "bad", "build", "Some background work fails.", f"{steps}. The log contains the error."
        )
    return None


def _find_slow_parts(snapshot: HealthSnapshot) -> HealthSummary | None:
    if snapshot.database_latency > SLOW_DATABASE:
        return HealthSummary(
            "warn",
            "database",
            "The database is slow.",
            f"One query took {snapshot.database_latency:.1f} s.",
        )
    if snapshot.longest_mail_wait > SLOW_MAIL:
        return HealthSummary(
            "warn",
            "mail",
            "E-mails are not being sent.",
            "The list of e-mails shows the reason. Sending is retried automatically.",
        )
    return None


class BacklogBar(NamedTuple):
    label: str
    rows: int
    width_percent: float  # of the longest bar, in per cent
    query: str  # of the list of deliveries


def build_backlog_bars(snapshot: HealthSnapshot) -> list[BacklogBar]:
    """Return one bar for each state of deliveries that are not delivered. Pure."""
    counts = [
        ("due", snapshot.due_deliveries, "state=waiting"),
        ("sending", snapshot.claimed_count, "state=sending"),
    ]
    for reason, rows in snapshot.held_reasons:
        query = urlencode({"state": "held", "reason": reason})
        counts.append((f"held: {reason.replace('_', ' ')}", rows, query))
    largest = max(rows for _, rows, _ in counts) or 1
    return [
        BacklogBar(label, rows, round(100 * rows / largest, 1), query)
        for label, rows, query in counts
    ]


class Pump(NamedTuple):
    name: str
    until: datetime | None  # None: the slot is free
    sending: PumpClaim | None


def list_pumps(snapshot: HealthSnapshot) -> list[Pump]:
    """Return each slot with the claims of its pump, then the claims without a slot. Pure.

    A claim without a slot belongs to a pump that is stopping or has died.
    """
    claims = {claim.lease: claim for claim in snapshot.pump_claims}
    pumps = []
    for place in snapshot.pump_slots:
        is_taken = place.lease_until is not None and place.lease_until > snapshot.now
        claim = claims.pop(place.lease, None) if place.lease else None
        pumps.append(Pump(f"{place.number + 1}", place.lease_until if is_taken else None, claim))
    return pumps + [Pump("left its slot", None, claim) for claim in claims.values()]
