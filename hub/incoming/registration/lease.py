"""The lease of an endpoint's registrations: one holder at a time changes them at the system.

A check holds it, and so does the removal of our webhooks before an authorization is revoked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from hub.crypto.sealed import Sealed
from hub.db.clock import Clock
from hub.db.ids import uuid7
from hub.incoming.models import InboundEndpoint
from hub.processes.leases import RowLeases
from hub.queue import wake_up

REGISTRATION_LEASES = RowLeases(
    InboundEndpoint,
    timedelta(seconds=60),  # longer than one call takes; each call extends it
    "registration_lease",
    "registration_lease_until",
)
AWAITED_SUFFIX = "awaited"  # behind the id in the wake-up of a check that a person requested


class RegistrationLeaseLost(Exception):
    """Nothing more may be written, as the lease has another holder or the account has ended."""


@dataclass(frozen=True, slots=True)
class RegistrationLease:
    """The right to change the registrations of one endpoint."""

    endpoint_id: int
    token: UUID

    def query_held(self) -> QuerySet[InboundEndpoint]:
        """Return a queryset of the endpoint; empty if the lease was lost."""
        return REGISTRATION_LEASES.held(self.token).filter(pk=self.endpoint_id)

    def extend(self, *, now: datetime) -> None:
        """Extend the lease, and keep the time of the next check unless one was requested meanwhile.

        Raises RegistrationLeaseLost.
        """
        renewed = REGISTRATION_LEASES.renewed(now=now)
        not_requested = self.query_held().filter(next_check_at__gt=now)
        if not_requested.update(next_check_at=now + REGISTRATION_LEASES.lasts, **renewed):
            return
        if not self.query_held().update(**renewed):
            raise RegistrationLeaseLost

    @contextmanager
    def in_transaction(self) -> Iterator[None]:
        """Run a block in a transaction, during which the lease cannot be lost.

        Raises RegistrationLeaseLost if it was lost before.
        """
        with transaction.atomic():
            if not REGISTRATION_LEASES.lock_held(self.token, [self.endpoint_id]):
                raise RegistrationLeaseLost
            yield

    def release(self) -> None:
        self.query_held().update(**REGISTRATION_LEASES.released)

    def finish_check(
        self,
        *,
        next_check_at: datetime,
        progress: Sealed | None = None,
        is_awaited: bool = False,
        now: datetime,
    ) -> None:
        """Release the lease, and set the time of the next check.

        `progress`: of a check that is due again to be resumed. A check that was requested during
        this one is due immediately, and begins anew. The task of a due check is woken.
        """
        not_requested = self.query_held().filter(next_check_at__gt=now)
        released = REGISTRATION_LEASES.released
        if not_requested.update(next_check_at=next_check_at, check_progress=progress, **released):
            is_due = next_check_at <= now
        else:
            is_due = bool(self.query_held().update(**released))
        if is_due:
            wake_up(name_check(self.endpoint_id, is_awaited=is_awaited), now=now)


def name_check(endpoint_id: int, *, is_awaited: bool = False) -> str:
    """Return the wake-up of a check."""
    return f"register:{endpoint_id}:{AWAITED_SUFFIX}" if is_awaited else f"register:{endpoint_id}"


def acquire_lease(
    endpoints: QuerySet[InboundEndpoint], endpoint_id: int, *, now: datetime, **values: Any
) -> RegistrationLease | None:
    """Lease the registrations of an endpoint that is among `endpoints`, and set `values`.

    One statement; None if another holder was faster.
    """
    lease = RegistrationLease(endpoint_id, uuid7())
    rows = endpoints.filter(pk=endpoint_id)
    is_acquired = REGISTRATION_LEASES.acquire(rows, lease.token, now=now, **values)
    return lease if is_acquired else None


def claim_check(endpoint: InboundEndpoint, *, now: datetime) -> RegistrationLease | None:
    """Claim an endpoint's due check; None if another task has it, or its webhooks are removed."""
    due = InboundEndpoint.unscoped.filter(next_check_at__lte=now)
    return acquire_lease(due, endpoint.pk, now=now, next_check_at=now + REGISTRATION_LEASES.lasts)


@contextmanager
def removal_lease(endpoint: InboundEndpoint, clock: Clock) -> Iterator[RegistrationLease]:
    """Hold the lease of the registrations to remove them.

    Raises RegistrationLeaseLost while a check runs.
    """
    lease = acquire_lease(InboundEndpoint.unscoped.all(), endpoint.pk, now=clock())
    if lease is None:
        raise RegistrationLeaseLost
    try:
        yield lease
    finally:
        lease.release()


def revoke_lease(endpoints: QuerySet[InboundEndpoint]) -> None:
    """Take the lease from a check whose account was replaced, in the caller's transaction.

    The check then stores nothing and begins no other write. The lease stays unavailable until it
    would have ended, as a call may be in progress.
    """
    endpoints.filter(registration_lease__isnull=False).update(registration_lease=uuid7())
