"""The interface between pump and quotas: scopes with costs, demands, reservations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connectors.http import InFlight, Quota


@dataclass(frozen=True, slots=True)
class ScopeCost:
    """A scope that a call spends: its key, its quota, and the units of one call.

    Without a quota it is not limited, but a 429 may pause it.
    """

    key: str
    quota: Quota | None
    cost: int = 1


@dataclass(frozen=True, slots=True)
class Demand:
    """A number of requests, each of which spends all of `scopes`.

    `calls`: how many. `calls_at_once`: how many of them may be in flight; 0: all. Calls of low
    priority keep to each quota's share for background work. `ranks`, one for each call, give the
    order among several demands: the lowest first. Without ranks demands take turns.
    """

    scopes: tuple[ScopeCost, ...]
    calls: int
    calls_at_once: int = 0
    low_priority: bool = False
    ranks: Sequence[int] = ()

    @property
    def in_flight(self) -> list[str]:
        """Return the keys of the scopes that limit calls in flight."""
        return [scope.key for scope in self.scopes if isinstance(scope.quota, InFlight)]


@dataclass(frozen=True, slots=True)
class Reservation:
    """The times at which calls may be sent, at most as many as demanded.

    `next_at` is when one more call could be sent. `max_in_flight`: how many of them at once, if a
    scope limits that. `is_probe`: one of the scopes was paused, and these calls test whether it is
    open again. `closed_scopes`: the scopes that are spent within the horizon, and when each opens.
    `can_be_delayed`: the calls may be sent up to SEND_DELAY after their times.
    """

    call_times: tuple[datetime, ...]
    next_at: datetime
    max_in_flight: int = 0
    is_probe: bool = False
    closed_scopes: Mapping[str, datetime] = field(default_factory=dict)
    can_be_delayed: bool = False
