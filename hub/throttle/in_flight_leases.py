"""Calls in flight, counted over all pumps and machines: room is taken under a lease, and dies with its holder."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, F, Value, When
from django.db.models.functions import Greatest

from connectors.http import InFlight, Quota
from hub.throttle.limits import QuotaSnapshot, effective_limit
from hub.throttle.models import InFlightLease

IN_FLIGHT_LEASE = timedelta(seconds=12)  # as of a pump's place


@dataclass(slots=True)
class InFlightCapacity:
    """How much room each scope of calls in flight has, while its row is locked."""

    limits: Mapping[str, int]
    counts: dict[str, int]  # by anybody
    own_counts: dict[str, int]
    own_counts_before: Mapping[str, int]  # what was mine before

    @classmethod
    def load(
        cls,
        quotas: Mapping[str, Quota | None],
        snapshots: Mapping[str, QuotaSnapshot],
        lease: UUID,
        *,
        now: datetime,
    ) -> "InFlightCapacity":
        limits = {
            key: effective_limit(quota, snapshots[key])
            for key, quota in quotas.items()
            if isinstance(quota, InFlight)
        }
        counts, own_counts = dict.fromkeys(limits, 0), dict.fromkeys(limits, 0)
        if limits:
            for lease_row in InFlightLease.objects.filter(key__in=list(limits), until__gt=now):
                counts[lease_row.key] += lease_row.count
                own_counts[lease_row.key] += lease_row.count if lease_row.lease == lease else 0
        return cls(limits, counts, own_counts, dict(own_counts))

    def available(self, key: str, *, reserved_share: float) -> int:
        limit = self.limits[key]
        return limit - min(int(limit * reserved_share), limit - 1) - self.counts[key]

    def acquire(self, keys: list[str], count: int, *, reserved_share: float) -> int:
        """As much as there is, at most `count`."""
        count_available = max(
            0, min([count, *(self.available(key, reserved_share=reserved_share) for key in keys)])
        )
        self.add_calls(keys, count_available)
        return count_available

    def add_calls(self, keys: list[str], count: int) -> None:
        for key in keys:
            self.counts[key] += count
            self.own_counts[key] += count

    def save(self, lease: UUID, *, now: datetime) -> None:
        changed = [
            key for key, count in self.own_counts.items() if count != self.own_counts_before[key]
        ]
        if changed:
            InFlightLease.objects.bulk_create(
                [
                    InFlightLease(
                        key=key,
                        lease=lease,
                        count=self.own_counts[key],
                        until=now + IN_FLIGHT_LEASE,
                    )
                    for key in sorted(changed)
                ],
                update_conflicts=True,
                unique_fields=["key", "lease"],
                update_fields=["count", "until"],
            )


def release_calls(lease: UUID, counts: Mapping[str, int]) -> None:
    """These calls have ended; one statement for all scopes. What a lapsed lease lost already is not given twice."""
    ended_calls = Case(*[When(key=key, then=Value(count)) for key, count in counts.items()])
    InFlightLease.objects.filter(lease=lease, key__in=list(counts)).update(
        count=Greatest(F("count") - ended_calls, 0)
    )


def extend_in_flight_leases(lease: UUID, *, until: datetime) -> None:
    """The holder lives so long at least."""
    InFlightLease.objects.filter(lease=lease).update(until=until)


def end_in_flight_leases(lease: UUID) -> None:
    InFlightLease.objects.filter(lease=lease).delete()


def delete_expired_in_flight_leases(*, now: datetime) -> None:
    """Those whose pump died hold nothing any more."""
    InFlightLease.objects.filter(until__lt=now - IN_FLIGHT_LEASE).delete()
