"""How far ahead paced calls are booked, and which scopes a running pump knows to be paused."""

from datetime import timedelta
from uuid import uuid4

from connectors.http import Rate
from hub.outgoing.pump.pacing import (
    MAX_LEAD,
    MIN_LEAD,
    PacedLead,
    PausedScopes,
    measure_lateness,
)
from hub.outgoing.pump.types import OutboundRequest, ScheduledRequest
from hub.throttle.demand import ScopeCost
from tests.factories import MINUTE, NOON

SECOND = timedelta(seconds=1)


def build_request(*keys, quota=None):
    return OutboundRequest(uuid4(), None, [], None, tuple(ScopeCost(key, quota) for key in keys))


def test_a_late_call_extends_the_lead_up_to_a_limit():
    lead = PacedLead()
    lead.extend(MIN_LEAD, SECOND / 10)
    assert lead.lead == MIN_LEAD + SECOND / 10
    lead.extend(MIN_LEAD, MINUTE)
    assert lead.lead == MAX_LEAD


def test_the_lead_of_a_rush_is_halved_each_second():
    lead = PacedLead(MAX_LEAD, NOON)
    assert lead.current(now=NOON + SECOND) == MAX_LEAD / 2
    assert lead.current(now=NOON + MINUTE) == MIN_LEAD


def test_only_paced_calls_can_be_late():
    assert measure_lateness(
        ScheduledRequest(build_request("a"), NOON), now=NOON + SECOND
    ) == timedelta(0)
    paced = ScheduledRequest(build_request("a", quota=Rate(1, 1)), NOON)
    assert measure_lateness(paced, now=NOON + SECOND) == SECOND


def test_a_pump_does_not_shorten_a_pause_that_it_knows():
    paused = PausedScopes()
    paused.pause(["a", "b"], NOON + 60 * MINUTE)
    paused.pause(["a"], NOON + MINUTE)
    assert set(paused.until.values()) == {NOON + 60 * MINUTE}


def test_a_request_waits_for_the_last_of_its_paused_scopes():
    paused = PausedScopes({"a": NOON + SECOND, "b": NOON + MINUTE, "c": NOON - MINUTE})
    request = build_request("a", "b", "c", "d")
    assert paused.paused_until(request) == NOON + MINUTE
    assert paused.closed_keys(request, now=NOON) == ["a", "b"]
    assert paused.paused_until(build_request("d")) < NOON
