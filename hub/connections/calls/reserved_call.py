"""Reserve the quotas of one call, and update them by its response."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.http import InFlight, Request, Response
from connectors.outcomes import Outcome
from hub.connections.models import Connection, QuotaQueue
from hub.connections.quotas.scopes import (
    build_scope_key,
    is_counted,
    list_spent_quotas,
    list_tenant_shares,
    parse_quota_reports,
)
from hub.egress import lookups_for_tenant
from hub.throttle import in_flight_leases
from hub.throttle.demand import Demand, ScopeCost
from hub.throttle.feedback import correct_quotas, pause_scope, reopen_scopes
from hub.throttle.reserve import reserve_calls

# of scopes if the system refuses a call for now and does not say for how long
PAUSE_WITHOUT_RETRY_AFTER = timedelta(seconds=60)


class QuotaExhausted(Exception):
    """A quota is spent, so nothing was sent; `until` is when the next call is possible."""

    def __init__(self, until: datetime) -> None:
        super().__init__(
            f"a quota is used up; the next call is possible at {until:%Y-%m-%d %H:%M:%S} UTC"
        )
        self.until = until


@dataclass(frozen=True, slots=True)
class ReservedCall:
    """A call whose quotas are reserved for `at`. `lease` holds its slots of calls in flight.

    `probed_at` is set if it probes scopes paused by a 429.
    """

    connection: Connection
    request: Request
    scopes: Sequence[ScopeCost]
    at: datetime
    probed_at: datetime | None
    lease: uuid.UUID

    @property
    def spent_units(self) -> dict[str, int]:
        """Return the units of each of the system's quotas, by key."""
        return {
            scope.key: scope.cost
            for scope in self.scopes
            if scope.quota is not None and not isinstance(scope.quota, InFlight)
        }

    def end(self) -> None:
        """Release the slots of the call, after it was sent or given up."""
        keys = [scope.key for scope in self.scopes if isinstance(scope.quota, InFlight)]
        if keys:
            in_flight_leases.release_calls(self.lease, dict.fromkeys(keys, 1))

    def record_response(self, response: Response, answer: object, *, now: datetime) -> None:
        """Update quotas: a 429 pauses them, a successful probe reopens them, budgets are reported.

        A call that was in flight when another call received a 429 reopens nothing.
        """
        if isinstance(answer, Outcome) and (answer.reason == "throttled" or answer.paused_scopes):
            pause_quotas(self.connection, answer, probed_at=self.probed_at, now=now)
        elif self.probed_at is not None:
            keys = [spent.key for spent in list_spent_quotas(self.connection, self.request)]
            if opened := reopen_scopes(dict.fromkeys(keys, self.probed_at)):
                QuotaQueue.reopen(opened, now=now)
        correct_quotas(parse_quota_reports(self.connection, response, now=now), now=now)


def pause_quotas(
    connection: Connection, outcome: Outcome, *, probed_at: datetime | None, now: datetime
) -> None:
    """Pause the scopes that an outcome names; `probed_at`: when a probe of them was sent."""
    for key in paused_scope_keys(connection, outcome):
        pause_scope(key, until=pause_end(outcome, now=now), now=now, probed_at=probed_at)


def paused_scope_keys(connection: Connection, outcome: Outcome) -> list[str]:
    """Return the keys of the scopes that an outcome pauses."""
    return [
        build_scope_key(connection, scope)
        for scope in outcome.paused_scopes
        if is_counted(connection.pk, connection.account, scope)
    ]


def pause_end(outcome: Outcome, *, now: datetime) -> datetime:
    """Return until when an outcome pauses its scopes."""
    if outcome.after is None:
        return now + PAUSE_WITHOUT_RETRY_AFTER
    return now + timedelta(seconds=outcome.after)


def reserve_call(
    connection: Connection,
    request: Request,
    *,
    lease: uuid.UUID,
    limits: Sequence[ScopeCost] = (),
    low_priority: bool = False,
    horizon: timedelta = timedelta(0),
    now: datetime,
) -> ReservedCall:
    """Reserve the quotas of one call, at most `horizon` ahead. Raises QuotaExhausted.

    `limits`: of ours, which it spends besides. `low_priority`: limits the call to each quota's
    share for background work.
    """
    scopes = (
        *list_spent_quotas(connection, request),
        *list_tenant_shares(connection, request),
        *limits,
    )
    demand = Demand(scopes, 1, low_priority=low_priority)
    (reservation,) = reserve_calls([demand], now=now, horizon=horizon, lease=lease)
    if not reservation.call_times:
        raise QuotaExhausted(reservation.next_at)
    at = reservation.call_times[0]
    probed_at = at if reservation.is_probe else None
    return ReservedCall(connection, request, scopes, at, probed_at, lease)


@contextmanager
def reserve_for_block(
    connection: Connection, request: Request, *, low_priority: bool = False, now: datetime
) -> Iterator[ReservedCall]:
    """Reserve the quotas of a call for the duration of a block; charge name lookups to its tenant.

    Never waits: raises QuotaExhausted if a quota is spent.
    """
    lease = uuid.uuid4()
    call = reserve_call(connection, request, lease=lease, low_priority=low_priority, now=now)
    has_slots = any(isinstance(scope.quota, InFlight) for scope in call.scopes)
    try:
        with lookups_for_tenant(connection.tenant_id):
            yield call
    finally:
        if has_slots:
            in_flight_leases.end_in_flight_leases(lease)
