"""Reserve the quotas of a background call, and update them by its response.

Besides the system's own quotas, a call spends the limits of calls in flight of its job's group and
of our own application, which apply to the whole installation. The run's own limit of calls in
flight is in `run_context.py`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from connectors.http import InFlight, Request, Response
from hub.connections.models import Connection
from hub.connections.quotas.metered_call import MeteredCall
from hub.connections.quotas.scopes import (
    SCOPE_KEY_LENGTH_MAX,
    list_spent_quotas,
    list_tenant_shares,
    parse_quota_reports,
)
from hub.throttle import in_flight_leases
from hub.throttle.demand import Demand, ScopeCost
from hub.throttle.feedback import correct_quotas
from hub.throttle.reserve import reserve_calls

BOOKING_HORIZON = timedelta(seconds=1)  # how far ahead a call is booked, and then waited for
GROUP_KIND, APPLICATION_KIND = "group", "application"


@dataclass(frozen=True, slots=True)
class ReservedCall:
    """A call whose quotas are reserved for `at`. `lease` holds its slots of calls in flight."""

    request: Request
    connection: Connection
    scopes: tuple[ScopeCost, ...]
    at: datetime
    probed_at: datetime | None
    lease: UUID

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
        """Update quotas by the response: pauses after a 429, reopened scopes, reported budgets."""
        call = MeteredCall(self.connection, self.request, self.probed_at, now)
        call.record_response(answer)
        correct_quotas(parse_quota_reports(self.connection, response, now=now), now=now)


class QuotaSpent(Exception):
    """No call is possible before `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"no call is possible before {until}")
        self.until = until


def reserve_call(
    connection: Connection, request: Request, *, group: str, lease: UUID, now: datetime
) -> ReservedCall:
    """Reserve the quotas of one call with low priority. Raises QuotaSpent."""
    scopes = (
        *list_spent_quotas(connection, request),
        *list_tenant_shares(connection, request),
        *list_own_limits(connection, group),
    )
    (reservation,) = reserve_calls(
        [Demand(scopes, 1, low_priority=True)], now=now, horizon=BOOKING_HORIZON, lease=lease
    )
    if not reservation.call_times:
        raise QuotaSpent(reservation.next_at)
    at = reservation.call_times[0]
    probed_at = at if reservation.is_probe else None
    return ReservedCall(request, connection, scopes, at, probed_at, lease)


def list_own_limits(connection: Connection, group: str) -> tuple[ScopeCost, ...]:
    """List the hub's own limits of background calls in flight that a call spends.

    `group`: the owner and name of a concurrency group, "17|night"; empty: none.
    """
    limits = []
    if group:
        key = f"|{GROUP_KIND}|{group}"[:SCOPE_KEY_LENGTH_MAX]
        limits.append(ScopeCost(key, limit_in_flight(settings.HUB_GROUP_CALLS)))
    if connection.connector.is_for_platform:
        limits.append(ScopeCost(f"|{APPLICATION_KIND}||", limit_in_flight(settings.HUB_APP_CALLS)))
    return tuple(limits)


def limit_in_flight(limit: int) -> InFlight:
    """Return a quota for calls in flight that only background work spends."""
    return InFlight(limit, background_share=1.0)
