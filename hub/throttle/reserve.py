"""Reserve quota for calls: all scopes of a request in one short transaction, or none."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from connectors.http import Quota
from hub.db.prepared import PreparedQuery
from hub.processes.failpoints import failpoint
from hub.throttle.background_shares import find_live_shares
from hub.throttle.booking import Booking, CallBooker
from hub.throttle.demand import Demand, Reservation
from hub.throttle.in_flight_leases import InFlightCapacity
from hub.throttle.limits import MAX_BOOKING_AHEAD
from hub.throttle.models import QuotaState
from hub.throttle.quota_rows import build_snapshot, lock_quota_states, save_snapshots
from hub.throttle.sanitize import sanitize_snapshot

NO_LEASE = UUID(int=0)
EXISTING_KEYS = PreparedQuery(
    lambda *, keys: QuotaState.objects.filter(key__any_of=keys).values_list("key")[:1]
)


def reserve_calls(
    demands: Sequence[Demand],
    *,
    now: datetime,
    horizon: timedelta,
    lead: timedelta = timedelta(0),
    can_delay: bool = False,
    lease: UUID = NO_LEASE,
) -> list[Reservation]:
    """Book calls up to `horizon` ahead, and return a reservation for each demand, in order.

    A call with a paced rate is booked at least `lead` ahead, so that a pump with a smaller delay is
    in time. `can_delay`: where the rates have ample room, calls are booked at once instead, and may
    be sent up to SEND_DELAY later. `lease` holds the slots for calls in flight until
    `in_flight_leases.release_calls`.
    """
    quotas = {scope.key: scope.quota for demand in demands for scope in demand.scopes}
    if is_unlimited(quotas):
        return [Reservation((now,) * demand.calls, now) for demand in demands]
    with transaction.atomic():
        scopes = lock_quota_states(quotas)
        stored = {key: build_snapshot(scope) for key, scope in scopes.items()}
        snapshots = {
            key: sanitize_snapshot(quotas[key], snapshot, now) for key, snapshot in stored.items()
        }
        capacity = InFlightCapacity.load(quotas, snapshots, lease, now=now)
        live_shares = find_live_shares(demands)
        bookings = [Booking.of(demand, snapshots, live_shares) for demand in demands]
        until = now + lead + min(horizon, MAX_BOOKING_AHEAD)
        call_booker = CallBooker(bookings, snapshots, capacity, now, lead, until, can_delay)
        reservations = call_booker.book_all()
        save_snapshots(scopes, stored, snapshots, now=now)
        capacity.save(lease, now=now)
        failpoint("O8")  # in the middle of reserving
    return reservations


def is_unlimited(quotas: Mapping[str, Quota | None]) -> bool:
    """Return whether no scope has a quota or was paused, as mostly: this needs no transaction."""
    return not any(quotas.values()) and not EXISTING_KEYS.fetch_rows(keys=list(quotas))
