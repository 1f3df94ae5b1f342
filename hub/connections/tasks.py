"""Tasks of connections. The docstring of each names the wake-up that runs it."""

import random
import time
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from hub import egress
from hub.connections.actions.queued_tests import run_queued_test
from hub.connections.credentials import liveness
from hub.connections.credentials.provider_call import Patience, call_with_heartbeat
from hub.connections.credentials.refresh import refresh_access_token
from hub.connections.credentials.refresh_result import REFUSED_AGAIN
from hub.connections.credentials.revoke import attempt_revocation
from hub.connections.models import REFRESHING, Connection, Credential, Lane, Revocation
from hub.connections.models.credentials import TOKEN_FRESH_FOR
from hub.db.clock import clock
from hub.db.state_machine import InvalidTransition
from hub.processes import pool_pipe
from hub.queue import acknowledge_wake_up, report_progress, wake_up

REVOCATION_PATIENCE = timedelta(seconds=3)  # with a spent quota, before webhooks are removed
REFRESHES_AT_ONCE = 20  # at a time, the most overdue first, so that the queue never fills


def run_refresh(name: str) -> None:
    """Refresh the token of connection 17 on the wake-up `refresh:17`.

    If its pool stops, the sweep sends the wake-up again.
    """
    connection = Connection.unscoped.select_related("credential").get(
        pk=int(acknowledge_wake_up(name))
    )
    if pool_pipe.is_stop_requested():
        return
    if refresh_access_token(
        connection,
        call=call_with_heartbeat,
        now=clock(),
        random=random.random,
        sleep=_sleep_with_heartbeat,
    ):
        wake_up("pump", now=clock())


def _sleep_with_heartbeat(seconds: float) -> None:
    report_progress()
    time.sleep(seconds)


def run_revocation(name: str) -> None:
    """Attempt revocation 17 on the wake-up `revoke:17`, if it still exists.

    If its pool stops, the sweep sends the wake-up again.
    """
    revocation = (
        Revocation.unscoped.select_related("tenant", "connection")
        .filter(pk=int(acknowledge_wake_up(name)))
        .first()
    )
    if revocation and not pool_pipe.is_stop_requested():
        patience = Patience(REVOCATION_PATIENCE, _sleep_with_heartbeat)
        attempt_revocation(revocation, call=call_with_heartbeat, clock=clock, patience=patience)


def wake_up_due_revocations(*, now: datetime) -> None:
    """Wake up due revocations: retries, and those whose wake-up was lost."""
    for number in Revocation.unscoped.filter(due_at__lte=now).values_list("pk", flat=True)[:20]:
        wake_up(f"revoke:{number}", now=now)


def run_liveness_checks(name: str) -> None:
    """Check the credentials of quiet connections on the wake-up `check`."""
    acknowledge_wake_up(name)
    liveness.check_due_connections(
        call=egress.send_request,
        clock=clock,
        random=random.random,
        is_stopping=pool_pipe.is_stop_requested,
        report_progress=report_progress,
    )


def run_waiting_test(name: str) -> None:
    """Test connection 17 on the wake-up `test:17`, for a person who waits for the result."""
    connection = (
        Connection.unscoped.select_related("tenant", "credential")
        .filter(pk=int(acknowledge_wake_up(name)))
        .first()
    )
    if connection and not pool_pipe.is_stop_requested():
        run_queued_test(connection, call=egress.send_request, now=clock())


def wake_up_due_refreshes(*, now: datetime) -> None:
    """Wake up due refreshes; release lanes whose new token was stored."""
    free = Q(refresh_lease_until=None) | Q(refresh_lease_until__lt=now)
    due = Credential.unscoped.filter(free, refresh_due_at__lte=now).order_by("refresh_due_at")
    for number in due.values_list("pk", flat=True)[:REFRESHES_AT_ONCE]:
        wake_up(f"refresh:{number}", now=now)
    refreshed_lanes = Lane.unscoped.filter(
        hold_reason=REFRESHING, connection__credential__rejected_at=None
    )
    refreshed_lanes.update(hold_reason="", due_at=now)


def recover_refused_credentials(*, now: datetime) -> None:
    """Reset the refusal count of credentials not rejected and not changed for FRESH_FOR.

    Connections that are degraded only because of the refusals become healthy.
    """
    credentials = Credential.unscoped.filter(
        refusals__gt=0, rejected_at=None, updated_at__lte=now - TOKEN_FRESH_FOR
    )
    for credential in credentials.select_related("connection")[:REFRESHES_AT_ONCE]:
        Credential.unscoped.filter(pk=credential.pk, version=credential.version).update(refusals=0)
        if (credential.connection.state, credential.connection.reason) == (
            "degraded",
            REFUSED_AGAIN,
        ):
            with suppress(InvalidTransition), transaction.atomic():
                credential.connection.mark_healthy(now=now)


def wake_up_due_checks(*, now: datetime) -> None:
    if liveness.find_due_checks(now=now).exists():
        wake_up("check", now=now)
