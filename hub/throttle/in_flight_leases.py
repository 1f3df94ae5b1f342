"""Limit calls in flight over all pumps and machines: slots are held under a lease, which expires if
its pump dies. Nothing frees it before: the other system may go on with the calls of a dead process.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Greatest

from connectors.http import InFlight, Quota
from hub.processes.leases import RowLeases
from hub.throttle.limits import QuotaSnapshot, effective_limit
from hub.throttle.models import InFlightLease

# The last extension is at most 4 s before a pump dies, and a call lasts at most 20 s.
IN_FLIGHT_LEASES = RowLeases(InFlightLease, timedelta(seconds=24), end_column="until")


@dataclass(slots=True)
class InFlightCapacity:
    """The slots of scopes that limit calls in flight, while their quota rows are locked; by key."""

    limits: Mapping[str, int]
    counts: dict[str, int]  # slots that all pumps hold
    own_counts: dict[str, int]  # slots that this lease holds
    stored_own_counts: Mapping[str, int]  # the same as stored

    @classmethod
    def load(
        cls,
        quotas: Mapping[str, Quota | None],
        snapshots: Mapping[str, QuotaSnapshot],
        lease: UUID,
        *,
        now: datetime,
    ) -> "InFlightCapacity":
        """Load the leases of the scopes that have such a limit."""
        limits = {
            key: effective_limit(quota, snapshots[key])
            for key, quota in quotas.items()
            if isinstance(quota, InFlight)
        }
        counts, own_counts = dict.fromkeys(limits, 0), dict.fromkeys(limits, 0)
        if limits:
            is_held = Q(until__gt=now) | Q(lease=lease)  # own calls may go on, also if it expired
            for lease_row in InFlightLease.objects.filter(is_held, key__in=list(limits)):
                counts[lease_row.key] += lease_row.count
                own_counts[lease_row.key] += lease_row.count if lease_row.lease == lease else 0
        return cls(limits, counts, own_counts, dict(own_counts))

    def available(self, key: str, *, reserved_share: float) -> int:
        """Return how many slots are free, less `reserved_share` of the limit; one is never."""
        limit = self.limits[key]
        return limit - min(int(limit * reserved_share), limit - 1) - self.counts[key]

    def acquire(self, keys: list[str], count: int, *, reserved_shares: Mapping[str, float]) -> int:
        """Take as many slots as are free in all these scopes, at most `count`; return how many.

        `reserved_shares`: by scope key, the part of its limit to leave free; 0 for others.
        """
        available_counts = [
            self.available(key, reserved_share=reserved_shares.get(key, 0.0)) for key in keys
        ]
        count_available = max(0, min([count, *available_counts]))
        self.add_calls(keys, count_available)
        return count_available

    def add_calls(self, keys: list[str], count: int) -> None:
        """Take slots; a negative count releases slots."""
        for key in keys:
            self.counts[key] += count
            self.own_counts[key] += count

    def save(self, lease: UUID, *, now: datetime) -> None:
        """Store the changed counts of this lease, in one statement."""
        changed = [
            key for key, count in self.own_counts.items() if count != self.stored_own_counts[key]
        ]
        if changed:
            InFlightLease.objects.bulk_create(
                [
                    InFlightLease(
                        key=key,
                        lease=lease,
                        count=self.own_counts[key],
                        **IN_FLIGHT_LEASES.renewed(now=now),
                    )
                    for key in sorted(changed)
                ],
                update_conflicts=True,
                unique_fields=["key", "lease"],
                update_fields=["count", "until"],
            )


def release_calls(lease: UUID, counts: Mapping[str, int]) -> None:
    """Release the slots of ended calls; not below zero, as an expired lease lost its slots."""
    ended_calls = Case(*[When(key=key, then=Value(count)) for key, count in counts.items()])
    IN_FLIGHT_LEASES.held(lease).filter(key__in=list(counts)).update(
        count=Greatest(F("count") - ended_calls, 0)
    )


def extend_in_flight_leases(lease: UUID, *, now: datetime) -> None:
    """Extend all leases of a pump, also those that have expired: its calls go on."""
    IN_FLIGHT_LEASES.held(lease).update(**IN_FLIGHT_LEASES.renewed(now=now))


def end_in_flight_leases(lease: UUID) -> None:
    """Delete all leases of a pump that ends."""
    IN_FLIGHT_LEASES.held(lease).delete()


def delete_expired_in_flight_leases(*, now: datetime) -> None:
    """Delete the leases of pumps that died."""
    IN_FLIGHT_LEASES.expired(now=now - IN_FLIGHT_LEASES.lasts).delete()
