"""A call is held exactly where a claim leaves out the lane."""

import pytest

from hub.connections.calls.holds import find_block, find_hold
from hub.connections.models import BREAKER, Lane, sendable_lanes
from tests.factories import MINUTE, NOON
from tests.hub.connections.credentials.test_held_calls import HOLDS

pytestmark = pytest.mark.django_db


def is_held(connection, *, now=NOON):
    lane = Lane.unscoped.select_related("connection__tenant").get(connection=connection)
    held = bool(find_hold(lane, now=now))
    assert held is not sendable_lanes(now=now).filter(pk=lane.pk).exists()
    return held


@pytest.mark.parametrize("hold", HOLDS.values(), ids=HOLDS)
def test_calls_and_claims_agree_on_each_hold(make, hold):
    connection = make.connection(connector="slack")
    assert not is_held(connection)
    hold(connection)
    assert is_held(connection)


def test_a_call_may_probe_when_the_time_of_an_open_breaker_is_over(make):
    connection = make.connection(connector="slack")
    HOLDS["breaker"](connection)
    assert not is_held(connection, now=NOON + MINUTE)
    Lane.unscoped.update(switched_off_by="tenant")
    assert is_held(connection, now=NOON + MINUTE)


@pytest.mark.parametrize(("name", "reason"), [("paused", "paused"), ("maintenance", "")])
def test_only_what_a_person_ends_blocks(make, name, reason):
    connection = make.connection(connector="slack")
    HOLDS[name](connection)
    assert find_block(Lane.unscoped.get()) == reason


def test_a_hold_of_a_tenant_goes_before_an_open_breaker(make):
    connection = make.connection(connector="slack")
    HOLDS["suspended"](connection)
    Lane.unscoped.update(hold_reason=BREAKER)
    assert find_block(Lane.unscoped.get()) == "tenant_suspended"
