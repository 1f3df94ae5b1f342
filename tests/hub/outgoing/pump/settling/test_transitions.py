"""What becomes of a delivery after each kind of outcome."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from connectors.outcomes import Outcome
from hub.outgoing.pump.settling.transitions import DELIVERED, transition_after
from tests.factories import NOON

SECOND = timedelta(seconds=1)


def transition(kind, *, attempt=1, is_held_when_unknown=False, schedule=(60,), **fields):
    route = SimpleNamespace(
        retry_schedule=list(schedule), is_held_when_unknown=is_held_when_unknown
    )
    message = SimpleNamespace(delivery=SimpleNamespace(attempt_count=attempt, route=route))
    outcome = Outcome(kind, fields.pop("reason", "busy"), **fields)
    return transition_after(outcome, message, now=NOON, random=lambda: 0)


def test_delivered_is_the_end():
    assert transition("delivered") is DELIVERED


@pytest.mark.parametrize(
    ("reason", "state"),
    [("payload_refused", "failed"), ("egress_refused", "held"), ("permission_missing", "held")],
)
def test_what_a_change_of_the_connection_can_fix_is_held(reason, state):
    assert transition("never", reason=reason).state == state


@pytest.mark.parametrize("kind", ["refresh", "reconnect", "disable"])
def test_an_outcome_of_the_connection_counts_no_attempt_and_is_due_at_once(kind):
    after = transition(kind)
    assert (after.state, after.due_at, after.attempts_returned) == ("waiting", NOON, 1)


def test_a_pending_delivery_is_asked_about_later():
    after = transition("pending", after=3.0)
    assert (after.state, after.due_at, after.attempts_returned) == (
        "waiting",
        NOON + 3 * SECOND,
        1,
    )


def test_a_throttled_call_waits_for_its_retry_after_and_counts_no_attempt():
    after = transition("later", reason="throttled", after=30.0, costs_no_attempt=True)
    assert (after.due_at, after.attempts_returned) == (NOON + 30 * SECOND, 1)


def test_a_retry_counts_an_attempt_and_the_last_one_fails():
    assert transition("later").state == "waiting"
    assert transition("later").attempts_returned == 0
    last = transition("later", attempt=2, detail="503")
    assert (last.state, last.reason, last.detail) == ("failed", "exhausted", "503")


def test_an_unknown_outcome_is_marked_and_held_on_routes_that_say_so():
    assert transition("unknown").possibly_delivered
    held = transition("unknown", is_held_when_unknown=True)
    assert (held.state, held.reason, held.possibly_delivered) == ("held", "unknown_effect", True)
