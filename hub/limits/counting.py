"""Counts that all web processes share, without a statement for each request.

A process is granted a part of a quota by the database (one statement), and spends it in memory: few at first, twice
as many with each further grant. The sum of what is granted in one window never exceeds the quota; what a process was
granted and did not spend is lost with the window, at most 1/60 of the quota for each process.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from django.db import connection
from django.utils.functional import Promise

from hub.limits.exceeded import LimitExceeded

PARTS = 60  # of a quota; at most one of them is granted at a time
FIRST, FIRST_PARTS = 10, 10_000  # what is granted first: so many, or this part of a quota; then twice as much
STRIPES = 32  # locks of one process
SHARES_MOST = 2_000  # of one lock; then those of past windows are dropped
ADD = """
INSERT INTO limits_limitusage (subject, name, "window", used) VALUES {rows}
ON CONFLICT (subject, name) DO UPDATE SET
  used = excluded.used + CASE WHEN limits_limitusage."window" - excluded."window" IN (0, 1)
    THEN limits_limitusage.used ELSE 0 END,
  "window" = CASE WHEN limits_limitusage."window" - excluded."window" IN (0, 1)
    THEN limits_limitusage."window" ELSE excluded."window" END
RETURNING subject, name, "window", used
"""  # a process whose clock is behind by a moment counts into the window that others have begun


@dataclass(frozen=True, slots=True)
class Charge:
    """So much of one limit, of one subject."""

    subject: str
    name: str
    amount: int
    quota: int
    seconds: int
    whose: str | Promise  # for people

    @property
    def counter(self) -> tuple[str, str]:
        return self.subject, self.name

    def window(self, now: datetime) -> int:
        return int(now.timestamp()) // self.seconds

    def ends(self, window: int) -> datetime:
        return datetime.fromtimestamp((window + 1) * self.seconds, UTC)


@dataclass(slots=True)
class Share:
    """What this process was granted of a counter and has not spent, and what is granted to nobody yet."""

    window: int
    quota: int
    granted: int = 0
    free: int = 0
    left: int = 1  # at least; none: the database is not asked again in this window


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is left of a limit, as far as this process knows, and for how many seconds it is counted."""

    charge: Charge
    amount: int
    seconds: int


class Counts:
    """What one process was granted. Subjects of one tenant share a lock, so a charge of several is one step."""

    def __init__(self) -> None:
        self.stripes = [Stripe() for _ in range(STRIPES)]

    def spend(self, charges: Sequence[Charge], *, now: datetime) -> list[Remaining]:
        """All of them or none; raises LimitExceeded. Not to be called in a transaction: others would wait for it."""
        if not charges:
            return []
        return self.stripes[hash(charges[0].subject) % STRIPES].spend(charges, now=now)


class Stripe:
    def __init__(self) -> None:
        self.lock = Lock()
        self.shares: dict[tuple[str, str], Share] = {}

    def spend(self, charges: Sequence[Charge], *, now: datetime) -> list[Remaining]:
        with self.lock:
            self.begin_windows(charges, now)
            self.ask(charges, now)
            for charge in charges:
                if self.shares[charge.counter].free < charge.amount:
                    refused = exceeded(charge, self.shares[charge.counter].window, now=now)
                    refused.remaining = [self.remaining(charge, now) for charge in charges]
                    raise refused
            for charge in charges:
                self.shares[charge.counter].free -= charge.amount
            return [self.remaining(charge, now) for charge in charges]

    def begin_windows(self, charges: Iterable[Charge], now: datetime) -> None:
        for charge in charges:
            share = self.shares.get(charge.counter)
            stale = share is None or share.quota != charge.quota
            if stale or share.window - charge.window(now) not in (0, 1):
                self.shares[charge.counter] = Share(charge.window(now), charge.quota)
        if len(self.shares) > SHARES_MOST:
            current = {charge.counter for charge in charges}
            self.shares = {counter: self.shares[counter] for counter in current}

    def ask(self, charges: Sequence[Charge], now: datetime) -> None:
        """The database, where what was granted does not suffice and there may be more."""
        short = [
            (charge, max(charge.amount - share.free, next_grant(share)))
            for charge in charges
            if (share := self.shares[charge.counter]).free < charge.amount and share.left
        ]
        granted = add(short, now=now) if short else {}
        for charge, wanted in short:
            window, used = granted[charge.counter]
            share = self.shares[charge.counter]
            if window != share.window:
                share.free = share.granted = 0
            grant = min(wanted, max(0, charge.quota - used + wanted))
            share.free, share.granted = share.free + grant, share.granted + grant
            share.window, share.left = window, max(0, charge.quota - used)

    def remaining(self, charge: Charge, now: datetime) -> Remaining:
        share = self.shares[charge.counter]
        seconds = (charge.ends(share.window) - now) // timedelta(seconds=1)
        return Remaining(charge, share.free + share.left, max(0, seconds))


def next_grant(share: Share) -> int:
    return min(share.quota // PARTS, max(FIRST, share.quota // FIRST_PARTS, share.granted))


def add(charges: Iterable[tuple[Charge, int]], *, now: datetime) -> dict[tuple[str, str], tuple[int, int]]:
    """Count these amounts in one statement; by counter, the window and all that is used in it.

    In the order of their names, so that two processes never wait for each other in a circle.
    """
    ordered = sorted(charges, key=lambda entry: entry[0].counter)
    parameters = [value for charge, amount in ordered for value in (*charge.counter, charge.window(now), amount)]
    with connection.cursor() as cursor:
        cursor.execute(ADD.format(rows=", ".join(["(%s, %s, %s, %s)"] * len(ordered))), parameters)
        return {(subject, name): (window, used) for subject, name, window, used in cursor.fetchall()}


def exceeded(charge: Charge, window: int, *, now: datetime) -> LimitExceeded:
    return LimitExceeded(charge.name, charge.quota, whose=charge.whose, again=charge.ends(window), now=now)


counts = Counts()
