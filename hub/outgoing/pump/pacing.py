"""Pacing: how far ahead paced calls are booked, and which scopes a response has paused."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.db.clock import LONG_AGO
from hub.outgoing.pump.types import OutboundRequest, ScheduledRequest
from hub.throttle.limits import SEND_DELAY, WINDOW_MARGIN

CALL_MISSED_AFTER = timedelta(seconds=WINDOW_MARGIN)  # a paced call that is later is booked again
LATE_AFTER = CALL_MISSED_AFTER / 2  # a pump that is later than this books further ahead
MIN_LEAD, MAX_LEAD = timedelta(seconds=0.05), timedelta(seconds=1)
LEAD_HALF_LIFE = timedelta(seconds=1)


@dataclass(slots=True)
class PacedLead:
    """The lead of paced calls, which is how far ahead they are booked.

    It is extended after late calls, and returns to MIN_LEAD within seconds.
    """

    lead: timedelta = MIN_LEAD
    updated_at: datetime = LONG_AGO

    def current(self, *, now: datetime) -> timedelta:
        """Return the lead, decayed since the last call."""
        elapsed, self.updated_at = max(timedelta(), now - self.updated_at), now
        self.lead = max(MIN_LEAD, self.lead * 0.5 ** (elapsed / LEAD_HALF_LIFE))
        return self.lead

    def extend(self, booked_lead: timedelta, late_by: timedelta) -> None:
        """Extend the lead by the lateness of a call that was booked `booked_lead` ahead."""
        self.lead = min(MAX_LEAD, max(self.lead, booked_lead + late_by))


def measure_lateness(scheduled: ScheduledRequest, *, now: datetime) -> timedelta:
    """Return how long ago a paced call should have been sent; other calls are never late."""
    if not scheduled.request.is_paced:
        return timedelta(0)
    return now - scheduled.at - (SEND_DELAY if scheduled.can_be_delayed else timedelta(0))


@dataclass(slots=True)
class PausedScopes:
    """Scopes that responses of this run paused, before it is committed: `until` by scope key."""

    until: dict[str, datetime] = field(default_factory=dict)

    def pause(self, keys: Iterable[str], until: datetime) -> None:
        """Pause scopes. Of two pauses of one scope the later end applies."""
        for key in keys:
            self.until[key] = max(until, self.until.get(key, LONG_AGO))

    def paused_until(self, request: OutboundRequest) -> datetime:
        """Return when the last of the request's paused scopes opens; LONG_AGO if none is paused."""
        if not self.until:
            return LONG_AGO
        pause_ends = (self.until.get(scope.key, LONG_AGO) for scope in request.scope_costs)
        return max(pause_ends, default=LONG_AGO)

    def closed_keys(self, request: OutboundRequest, *, now: datetime) -> list[str]:
        """Return the request's scopes that are paused."""
        return [key for key in request.scope_keys if self.until.get(key, LONG_AGO) > now]
