"""Counts shared by all web processes, without a query for each request.

The database grants a process a part of a quota (one query), which the process spends in memory: a
small part first, twice as much with each further grant. The sum of the grants in one window never
exceeds the quota. A grant that is not spent is lost at the end of the window: at most 1/60 of the
quota for each process.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from django.db import connection
from django.utils.functional import Promise

from hub.limits.exceeded import LimitExceeded

GRANT_PARTS = 60  # of a quota; at most one part is granted at a time
# The first grant: the larger of this number and this part of the quota; then twice as much.
FIRST_GRANT, FIRST_GRANT_PARTS = 10, 10_000
LOCK_STRIPES = 32  # locks of one process
MAX_SHARES = 2_000  # of one lock; beyond it all but the current charges' are dropped
ADD_SQL = """
INSERT INTO limits_limitusage (subject, name, "window", used) VALUES {rows}
ON CONFLICT (subject, name) DO UPDATE SET
  used = excluded.used + CASE WHEN limits_limitusage."window" - excluded."window" IN (0, 1)
    THEN limits_limitusage.used ELSE 0 END,
  "window" = CASE WHEN limits_limitusage."window" - excluded."window" IN (0, 1)
    THEN limits_limitusage."window" ELSE excluded."window" END
RETURNING subject, name, "window", used
"""  # a process whose clock is slightly behind counts into the window that others began


@dataclass(frozen=True, slots=True)
class Charge:
    """An amount that one subject (tenant or API key) spends of one limit."""

    subject: str
    name: str
    amount: int
    quota: int
    seconds: int
    subject_label: str | Promise  # for users

    @property
    def counter(self) -> tuple[str, str]:
        return self.subject, self.name

    def window_number(self, now: datetime) -> int:
        return int(now.timestamp()) // self.seconds

    def window_end(self, window: int) -> datetime:
        return datetime.fromtimestamp((window + 1) * self.seconds, UTC)


@dataclass(slots=True)
class GrantedShare:
    """This process's share of a counter: what it may still spend, and what grants may still get."""

    window_number: int
    quota: int
    granted_amount: int = 0
    free_amount: int = 0
    database_remaining: int = 1  # a lower bound; 0: the database is not asked again in this window


@dataclass(frozen=True, slots=True)
class RemainingQuota:
    """The amount left of a limit, as known to this process, and the seconds left of its window."""

    charge: Charge
    amount_left: int
    seconds_left: int


class GrantCounters:
    """The grants of this process.

    Charges of one tenant share a lock, so that charges of the tenant and its key are spent
    atomically.
    """

    def __init__(self) -> None:
        self.stripes = [LockStripe() for _ in range(LOCK_STRIPES)]

    def spend(self, charges: Sequence[Charge], *, now: datetime) -> list[RemainingQuota]:
        """Spend all charges or none. Raises LimitExceeded if one exceeds its quota.

        Must be called outside transactions: other processes would wait for the end of the
        transaction.
        """
        if not charges:
            return []
        return self.stripes[hash(charges[0].subject) % LOCK_STRIPES].spend(charges, now=now)


class LockStripe:
    def __init__(self) -> None:
        self.lock = Lock()
        self.shares: dict[tuple[str, str], GrantedShare] = {}

    def spend(self, charges: Sequence[Charge], *, now: datetime) -> list[RemainingQuota]:
        with self.lock:
            self.begin_windows(charges, now)
            self.request_grants(charges, now)
            for charge in charges:
                if self.shares[charge.counter].free_amount < charge.amount:
                    limit_error = limit_exceeded(
                        charge, self.shares[charge.counter].window_number, now=now
                    )
                    limit_error.remaining = [self.remaining(charge, now) for charge in charges]
                    raise limit_error
            for charge in charges:
                self.shares[charge.counter].free_amount -= charge.amount
            return [self.remaining(charge, now) for charge in charges]

    def begin_windows(self, charges: Iterable[Charge], now: datetime) -> None:
        for charge in charges:
            share = self.shares.get(charge.counter)
            is_current = (
                share is not None
                and share.quota == charge.quota
                and share.window_number - charge.window_number(now) in (0, 1)
            )
            if not is_current:
                self.shares[charge.counter] = GrantedShare(charge.window_number(now), charge.quota)
        if len(self.shares) > MAX_SHARES:
            current = {charge.counter for charge in charges}
            self.shares = {counter: self.shares[counter] for counter in current}

    def request_grants(self, charges: Sequence[Charge], now: datetime) -> None:
        """Request grants from the database where a share is too small and the quota has room."""
        shortfalls = [
            (charge, max(charge.amount - share.free_amount, _compute_next_grant(share)))
            for charge in charges
            if (share := self.shares[charge.counter]).free_amount < charge.amount
            and share.database_remaining
        ]
        granted = add_usage(shortfalls, now=now) if shortfalls else {}
        for charge, requested in shortfalls:
            window, used = granted[charge.counter]
            share = self.shares[charge.counter]
            if window != share.window_number:
                share.free_amount = share.granted_amount = 0
            grant = min(requested, max(0, charge.quota - used + requested))
            share.free_amount, share.granted_amount = (
                share.free_amount + grant,
                share.granted_amount + grant,
            )
            share.window_number, share.database_remaining = window, max(0, charge.quota - used)

    def remaining(self, charge: Charge, now: datetime) -> RemainingQuota:
        share = self.shares[charge.counter]
        seconds = (charge.window_end(share.window_number) - now) // timedelta(seconds=1)
        return RemainingQuota(charge, share.free_amount + share.database_remaining, max(0, seconds))


def _compute_next_grant(share: GrantedShare) -> int:
    return min(
        share.quota // GRANT_PARTS,
        max(FIRST_GRANT, share.quota // FIRST_GRANT_PARTS, share.granted_amount),
    )


def add_usage(
    charges: Iterable[tuple[Charge, int]], *, now: datetime
) -> dict[tuple[str, str], tuple[int, int]]:
    """Add the amounts in one statement; return, for each counter, its window and its total usage.

    Rows are written in the order of their counters, so that two processes never deadlock.
    """
    ordered = sorted(charges, key=lambda entry: entry[0].counter)
    parameters = [
        value
        for charge, amount in ordered
        for value in (*charge.counter, charge.window_number(now), amount)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            ADD_SQL.format(rows=", ".join(["(%s, %s, %s, %s)"] * len(ordered))), parameters
        )
        return {
            (subject, name): (window, used) for subject, name, window, used in cursor.fetchall()
        }


def limit_exceeded(charge: Charge, window: int, *, now: datetime) -> LimitExceeded:
    return LimitExceeded(
        charge.name,
        charge.quota,
        subject_label=charge.subject_label,
        retry_at=charge.window_end(window),
        now=now,
    )


grant_counters = GrantCounters()
