"""A clock that goes further than time did is noticed."""

from datetime import timedelta

from hub.outgoing.pump.claimer import CLOCK_JUMP, ClockJump
from tests.factories import NOON

HOUR = timedelta(hours=1)


def test_the_first_reading_is_no_jump():
    assert ClockJump().measure(now=NOON, loop_time=7.0) == timedelta(0)


def test_a_clock_that_goes_as_far_as_time_did_is_no_jump():
    clock_jump = ClockJump((NOON, 7.0))
    assert clock_jump.measure(now=NOON + HOUR, loop_time=7.0 + 3600) == timedelta(0)


def test_a_clock_that_gains_an_hour_jumped_once():
    clock_jump = ClockJump((NOON, 7.0))
    assert clock_jump.measure(now=NOON + HOUR, loop_time=7.0) == HOUR
    assert clock_jump.measure(now=NOON + HOUR, loop_time=7.0) == timedelta(0)


def test_a_clock_that_goes_back_is_no_jump():
    clock_jump = ClockJump((NOON, 7.0))
    assert clock_jump.measure(now=NOON - HOUR, loop_time=7.0) < CLOCK_JUMP
