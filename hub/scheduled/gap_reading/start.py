"""Start the runs that read the due gaps of connections; steps of the sweep."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from hub.connections.models import DISCONNECTED, Connection
from hub.incoming.gaps import reading
from hub.incoming.models import InboundGap
from hub.incoming.registration.installation.address import find_former_url
from hub.processes.failpoints import failpoint
from hub.scheduled.models import GAP_KIND, Run
from hub.scheduled.runs.claim import is_switched_off
from hub.scheduled.runs.hub_runs import start_hub_run
from hub.scheduled.runs.loop_count import wake_runs

CONNECTIONS_AT_ONCE = 50  # of one sweep
GAPS_AT_ONCE = 200
SETTLED_AFTER_MAX = timedelta(minutes=5)  # longer than any feed needs
WAITING_STATES = ("waiting", "blocked")  # of runs that are not executed now


def start_gap_runs(*, now: datetime) -> int:
    """Start a run for each connection with a due gap; return how many.

    A copy of an installation reads nothing: what it would find goes to the original.
    """
    if not due_gaps(now=now).exists() or find_former_url() or is_switched_off():
        return 0
    reading.end_gaps_without_feed(due_gaps(now=now), now=now)
    _let_changes_settle(now=now)
    connections = Connection.unscoped.filter(
        Exists(due_gaps(now=now).filter(connection=OuterRef("pk"))), tenant__suspended_at=None
    ).exclude(Q(state="disabled", reason=DISCONNECTED) | Exists(_select_open_runs()))
    started = [
        start_gap_run(connection, now=now)
        for connection in connections.select_related("tenant").order_by("pk")[:CONNECTIONS_AT_ONCE]
    ]
    if started:
        wake_runs(now=now)
    return len(started)


def due_gaps(*, now: datetime) -> QuerySet[InboundGap]:
    """Return a queryset of the gaps that are to be read now."""
    return InboundGap.unscoped.filter(state__in=("open", "due"), due_at__lte=now)


def _let_changes_settle(*, now: datetime) -> None:
    """Postpone the gaps that have just ended, so that one read brings all of each."""
    ended = due_gaps(now=now).filter(state="due", to_at__gt=now - SETTLED_AFTER_MAX)
    for gap in ended.select_related("source", "connection")[:GAPS_AT_ONCE]:
        feed = reading.find_feed(gap.connection, gap.source.object)
        if feed is None or gap.to_at is None:
            continue
        settled_at = gap.to_at + feed.settle + timedelta(seconds=1)
        if settled_at > now:
            InboundGap.unscoped.filter(pk=gap.pk, state="due").update(due_at=settled_at)


def _select_open_runs() -> QuerySet[Run]:
    """Return the unfinished reads of the gaps of an outer connection."""
    runs = Run.unscoped.filter(job__kind=GAP_KIND, state__in=Run.OPEN_STATES)
    return runs.filter(job__connection=OuterRef("pk"))


@transaction.atomic
def start_gap_run(connection: Connection, *, now: datetime) -> Run:
    """Create a run that reads the due gaps of a connection, unless one has not ended."""
    run = start_hub_run(connection, GAP_KIND, now=now)
    failpoint("G2")  # before the commit: the gap waits
    return run


def release_abandoned_gaps(*, now: datetime) -> int:
    """Let gaps be read again whose run has ended without them; return how many.

    One whose run failed or was cancelled ends as incomplete, until a person starts it again.
    """
    runs = Run.unscoped.filter(public_id=OuterRef("run_id"))
    abandoned = InboundGap.unscoped.filter(state="reading").exclude(
        Exists(runs.filter(state__in=Run.OPEN_STATES))
    )
    gaps = list(abandoned.select_related("source", "connection", "tenant")[:CONNECTIONS_AT_ONCE])
    states = dict(
        Run.unscoped.filter(public_id__in=[gap.run_id for gap in gaps]).values_list(
            "public_id", "state"
        )
    )
    for gap in gaps:
        state = states.get(gap.run_id) if gap.run_id else None
        reason = f"run_{state}" if state in ("failed", "cancelled") else ""
        reading.release_gap(gap, reason, now=now)
    _cancel_idle_runs(now=now)
    return len(gaps)


def _cancel_idle_runs(*, now: datetime) -> None:
    """Cancel runs that wait although their gaps have ended, by a person for example."""
    unfinished = InboundGap.unscoped.filter(
        connection=OuterRef("job__connection"), state__in=InboundGap.UNFINISHED_STATES
    )
    waiting = Run.unscoped.filter(job__kind=GAP_KIND, state__in=WAITING_STATES)
    ids = list(
        waiting.exclude(Exists(unfinished)).values_list("pk", flat=True)[:CONNECTIONS_AT_ONCE]
    )
    if ids:
        idle = Run.unscoped.filter(pk__in=ids, state__in=WAITING_STATES)
        idle.update(state="cancelled", finished_at=now)
