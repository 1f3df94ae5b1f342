"""Ask a quiet connection from time to time whether its credential is still good, before an event finds out.

One that was refused is asked too: an administrator may have undone what refused it, and then nobody need reconnect.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from connectors.registry import CONNECTORS
from hub.connections.call_health import is_open_question
from hub.connections.lives import Random
from hub.connections.models import Connection, Lane
from hub.connections.probe import Call, Finding, asked
from hub.connections.renewal import known_by_refresh
from hub.queue import ring
from hub.states import WrongState

JITTER = 0.1  # of the interval, to either side
SLICE = timedelta(seconds=20)  # as long as one bell checks; the sweep rings for the rest
ROWS_MOST = 200
SOON = timedelta(minutes=10)  # after a check that failed, or could not be made
FAILS_FEW = 2  # in a row, before the connection reads as degraded
REFUSED = "needs_reconnect"
CHECKED = ("healthy", "degraded", "silent", REFUSED)


def due(*, now: datetime) -> QuerySet[Connection]:
    checked = [connector.key for connector in CONNECTORS.values() if connector.checks_every]
    rows = Connection.unscoped.filter(Q(check_at=None) | Q(check_at__lte=now), state__in=CHECKED)
    return rows.filter(connector_key__in=checked)


def check_some(
    *,
    call: Call,
    clock: Callable[[], datetime],
    random: Random,
    stopping: Callable[[], bool],
    still_here: Callable[[], None],
) -> None:
    until = clock() + SLICE
    for connection in due(now=clock()).select_related("credential", "lane").order_by("check_at")[:ROWS_MOST]:
        if stopping() or clock() > until:
            return
        check(connection, call=call, now=clock(), random=random)
        still_here()


def check(connection: Connection, *, call: Call, now: datetime, random: Random) -> Finding | None:
    """One check. None where none is needed: the first time only says when, and a delivery tells as much."""
    every = timedelta(seconds=connection.connector.checks_every or 0)
    first = connection.check_at is None
    share = random() if first else 1 + JITTER * (2 * random() - 1)
    rows = Connection.unscoped.filter(pk=connection.pk, check_at=connection.check_at)
    if not rows.update(check_at=now + every * share) or first or needless(connection, now - every):
        return None
    finding = asked(connection, call=call, now=now)
    Connection.unscoped.filter(pk=connection.pk).update(checked_at=now)
    with suppress(WrongState):  # somebody was first
        follow(connection, finding, now=now)
    return finding


def needless(connection: Connection, since: datetime) -> bool:
    """Deliveries tell as much; and where a refresh has found the end, a check tells no more."""
    return known_by_refresh(connection) if connection.state == REFUSED else served_lately(connection, since)


def served_lately(connection: Connection, since: datetime) -> bool:
    """Attempts were made, and not one has failed since the last that came through."""
    lane = connection.lane
    return lane.virtual_time > since and lane.failing_since is None


def follow(connection: Connection, finding: Finding, *, now: datetime) -> None:
    """The state follows what was found."""
    if finding.lives:
        Connection.unscoped.filter(pk=connection.pk, checks_failed__gt=0).update(checks_failed=0)
        if connection.state != "healthy" and not is_open_question(connection):
            connection.mark_healthy(now=now)
    elif finding.kind == "reconnect":
        connection.mark_needs_reconnect(finding.reason, finding.detail, now=now)
    elif finding.kind == "refresh" and connection.connector.refreshes:
        postpone(connection, now=now)
        if connection.credential.await_refresh(used=connection.credential.version, now=now):
            ring(f"refresh:{connection.pk}", now=now)
    elif finding.reason == "throttled":
        postpone(connection, now=now)
    else:
        failed(connection, finding, now=now)


def postpone(connection: Connection, *, now: datetime, **changes: int) -> None:
    Connection.unscoped.filter(pk=connection.pk).update(check_at=now + SOON, **changes)


def failed(connection: Connection, finding: Finding, *, now: datetime) -> None:
    fails = connection.checks_failed + 1
    postpone(connection, now=now, checks_failed=fails)
    if fails >= FAILS_FEW and connection.state == "healthy":
        connection.mark_degraded(finding.reason, finding.detail, now=now)
        Lane.unscoped.filter(connection=connection, failing_since=None).update(failing_since=now)
