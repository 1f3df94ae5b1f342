"""Check the credentials of quiet connections periodically, before an event needs them.

Rejected credentials are checked too: if an administrator has removed the cause, no reconnect is
needed.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from connectors.registry import CONNECTORS
from hub.connections.credentials.account_probe import ProbeResult, probe_stored_credential
from hub.connections.credentials.call_health import is_failure_unresolved
from hub.connections.credentials.provider_call import Call
from hub.connections.credentials.refresh_result import is_state_from_refresh
from hub.connections.models import Connection, Credential, Lane
from hub.connections.token_lifetimes import Random
from hub.db.state_machine import InvalidTransition
from hub.queue import wake_up

INTERVAL_JITTER_SHARE = 0.1  # of the interval, to either side
RUN_TIME = timedelta(seconds=20)  # of one task; the sweep wakes up another one for the rest
CHECKS_MAX = 200
RECHECK_DELAY = timedelta(minutes=10)  # after a check that failed, or could not be made
FAILURES_TOLERATED = 2  # in a row, before the connection is degraded
NEEDS_RECONNECT = "needs_reconnect"
RECOVERABLE_STATES = ("degraded", "silent", NEEDS_RECONNECT)
CHECKED_STATES = ("healthy", "degraded", "silent", NEEDS_RECONNECT)


def find_due_checks(*, now: datetime) -> QuerySet[Connection]:
    checked = [connector.key for connector in CONNECTORS.values() if connector.checks_every]
    connections = Connection.unscoped.filter(
        Q(check_at=None) | Q(check_at__lte=now), state__in=CHECKED_STATES
    )
    return connections.filter(connector_key__in=checked)


def check_due_connections(
    *,
    call: Call,
    clock: Callable[[], datetime],
    random: Random,
    is_stopping: Callable[[], bool],
    report_progress: Callable[[], None],
) -> None:
    """Check due connections, the most overdue first, for `RUN_TIME` at most."""
    until = clock() + RUN_TIME
    for connection in (
        find_due_checks(now=clock())
        .select_related("credential", "lane")
        .order_by("check_at")[:CHECKS_MAX]
    ):
        if is_stopping() or clock() > until:
            return
        check_liveness(connection, call=call, now=clock(), random=random)
        report_progress()


def check_liveness(
    connection: Connection, *, call: Call, now: datetime, random: Random
) -> ProbeResult | None:
    """Check one connection; returns None if the check was only scheduled, or is not needed."""
    interval = timedelta(seconds=connection.connector.checks_every or 0)
    first = connection.check_at is None
    share = random() if first else 1 + INTERVAL_JITTER_SHARE * (2 * random() - 1)
    unchanged = Connection.unscoped.filter(pk=connection.pk, check_at=connection.check_at)
    if (
        not unchanged.update(check_at=now + interval * share)
        or first
        or _is_check_needless(connection, now - interval)
    ):
        return None
    tested_version = Credential.read_version(connection)
    probe_result = probe_stored_credential(connection, call=call, now=now)
    Connection.unscoped.filter(pk=connection.pk).update(checked_at=now)
    with suppress(InvalidTransition), transaction.atomic():
        if Credential.lock_if_unchanged(connection, tested_version):
            _apply_check_result(connection, probe_result, now=now)
    return probe_result


def _is_check_needless(connection: Connection, since: datetime) -> bool:
    """Return whether recent deliveries or a refresh have already shown the credential's state."""
    return (
        is_state_from_refresh(connection)
        if connection.state == NEEDS_RECONNECT
        else _is_recently_served(connection, since)
    )


def _is_recently_served(connection: Connection, since: datetime) -> bool:
    """Return whether attempts were made, and none has failed since the last success."""
    lane = connection.lane
    return lane.virtual_time > since and lane.failing_since is None


def _apply_check_result(
    connection: Connection, probe_result: ProbeResult, *, now: datetime
) -> None:
    """Change the state of a locked connection by the result.

    Raises InvalidTransition if its state, which may have changed during the check, forbids it.
    """
    if probe_result.passed:
        Connection.unscoped.filter(pk=connection.pk, checks_failed__gt=0).update(checks_failed=0)
        if connection.state in RECOVERABLE_STATES and not is_failure_unresolved(connection):
            connection.mark_healthy(now=now)
    elif probe_result.kind == "reconnect":
        connection.mark_needs_reconnect(probe_result.reason, probe_result.detail, now=now)
    elif probe_result.kind == "refresh" and connection.connector.refreshes_tokens:
        _postpone_check(connection, now=now)
        if connection.credential.await_refresh(used=connection.credential.version, now=now):
            wake_up(f"refresh:{connection.pk}", now=now)
    elif probe_result.reason == "throttled":
        _postpone_check(connection, now=now)
    else:
        _record_failed_check(connection, probe_result, now=now)


def _postpone_check(connection: Connection, *, now: datetime, **changes: int) -> None:
    Connection.unscoped.filter(pk=connection.pk).update(check_at=now + RECHECK_DELAY, **changes)


def _record_failed_check(
    connection: Connection, probe_result: ProbeResult, *, now: datetime
) -> None:
    fails = connection.checks_failed + 1
    _postpone_check(connection, now=now, checks_failed=fails)
    if fails >= FAILURES_TOLERATED and connection.state == "healthy":
        connection.mark_degraded(probe_result.reason, probe_result.detail, now=now)
        Lane.unscoped.filter(connection=connection, failing_since=None).update(failing_since=now)
