"""The database part of one call of a run: check, build and reserve before it, record after it.

These functions run on the database thread, each in its own short transactions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from connectors.http import InFlight, Request, Response
from connectors.outcomes import Outcome, never
from hub.connections.calls.authorization import CONNECTION_OUTCOMES, apply_connection_outcome
from hub.connections.calls.reserved_call import QuotaExhausted, ReservedCall, reserve_call
from hub.connections.credentials.connector_context import (
    collect_secrets,
    find_connector_app,
    open_credential,
    redact_outcome,
)
from hub.connections.models import BREAKER, Connection, Credential
from hub.connections.quotas.scopes import SCOPE_KEY_LENGTH_MAX
from hub.crypto.sealed import CannotOpen
from hub.scheduled.runs.calls.breaker_probe import claim_probe, is_breaker_probe, settle_probe
from hub.scheduled.runs.context import RunFailed
from hub.scheduled.runs.run_connections import (
    ConnectionBlocked,
    check_connection,
    is_refreshing,
    load_connection,
)
from hub.throttle.demand import ScopeCost

BOOKING_HORIZON = timedelta(seconds=1)  # how far ahead a call is booked, and then waited for
GROUP_KIND, APPLICATION_KIND = "group", "application"
REFRESH_POLL = timedelta(seconds=0.5)  # until the next look for a new access token
CREDENTIAL_UNREADABLE = "credential_unreadable"

BuildRequest = Callable[[Connection], Request]


@dataclass(frozen=True, slots=True)
class NotYet:
    """No call is possible before `until`; `reason` says why."""

    until: datetime
    reason: str


def prepare_call(
    connection: Connection, build: BuildRequest, *, group: str, lease: UUID, now: datetime
) -> ReservedCall | NotYet | Outcome:
    """Build a request with the currently stored credential, and reserve its quotas.

    Returns an Outcome if the request cannot be built. Raises ConnectionBlocked if a person must act
    first, and RunFailed if the connection is stopped temporarily. Over a lane with an open breaker,
    one call at a time probes.
    """
    stored = load_connection(connection)
    check_connection(stored, now=now)
    if is_refreshing(stored):
        return NotYet(now + REFRESH_POLL, "refreshing")
    try:
        request = build(stored)
    except CannotOpen as error:
        raise ConnectionBlocked(CREDENTIAL_UNREADABLE, str(error), connection=stored) from error
    except (KeyError, TypeError, ValueError) as error:
        return never("incomplete", f"a value is missing or invalid: {error}")
    try:
        call = reserve_run_call(stored, request, group=group, lease=lease, now=now)
    except QuotaExhausted as spent:
        return NotYet(spent.until, "throttled")
    if is_breaker_probe(call) and not claim_probe(stored.lane, now=now):
        call.end()
        raise RunFailed(BREAKER, str(stored))
    return call


@sensitive_variables()
def record_answer(
    call: ReservedCall, response: Response | None, answer: object, *, now: datetime
) -> object:
    """Release the slots of a call, and apply the effects of its result on quotas and credential.

    `response`: None if there was none. Returns the result; an Outcome without secrets.
    """
    call.end()
    if is_breaker_probe(call):
        settle_probe(call.connection.lane, response, answer, now=now)
    if response is not None:
        call.record_response(response, answer, now=now)
    if not isinstance(answer, Outcome):
        return answer
    connection = call.connection
    secrets = read_secrets(connection)
    if answer.kind in CONNECTION_OUTCOMES:
        version = Credential.read_version(connection) or 0
        apply_connection_outcome(
            connection.pk, answer, used_version=version, secrets=secrets, now=now
        )
    return redact_outcome(answer, secrets)


def reserve_run_call(
    connection: Connection, request: Request, *, group: str, lease: UUID, now: datetime
) -> ReservedCall:
    """Reserve the quotas of one call with low priority. Raises QuotaExhausted.

    Besides the system's own quotas, a call spends the limits of calls in flight of its job's group
    and of our own application, which apply to the whole installation. The run's own limit of calls
    in flight is in `run_context.py`.
    """
    return reserve_call(
        connection,
        request,
        lease=lease,
        limits=list_own_limits(connection, group),
        low_priority=True,
        horizon=BOOKING_HORIZON,
        now=now,
    )


def list_own_limits(connection: Connection, group: str) -> list[ScopeCost]:
    """List the hub's own limits of background calls in flight that a call spends.

    `group`: the owner and name of a concurrency group, "17|night"; empty: none.
    """
    limits = []
    if group:
        key = f"|{GROUP_KIND}|{group}"[:SCOPE_KEY_LENGTH_MAX]
        limits.append(ScopeCost(key, limit_in_flight(settings.HUB_GROUP_CALLS)))
    if connection.connector.is_for_platform:
        limits.append(ScopeCost(f"|{APPLICATION_KIND}||", limit_in_flight(settings.HUB_APP_CALLS)))
    return limits


def limit_in_flight(limit: int) -> InFlight:
    """Return a quota for calls in flight that only background work spends."""
    return InFlight(limit, background_share=1.0)


@sensitive_variables()
def read_secrets(connection: Connection) -> tuple[str, ...]:
    """Return the secrets of a connection, which must be removed from all texts."""
    try:
        app = find_connector_app(connection.connector_key)
        return collect_secrets(open_credential(connection, app))
    except CannotOpen:
        return ()
