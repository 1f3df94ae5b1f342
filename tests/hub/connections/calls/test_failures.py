"""A failed call means the same to each caller."""

import pytest

from connectors.outcomes import later
from hub.connections.calls.failures import classify_failure
from hub.egress import EgressRefused, RequestNotSent, ResponseNotReceived

MEANINGS = {
    "a refused address": (EgressRefused("denied_address"), "never", "egress_refused"),
    "no connection": (RequestNotSent("dns_failed"), "later", "dns_failed"),
    "no answer": (ResponseNotReceived("timed_out"), "unknown", "timed_out"),
    "a defect in reading the answer": (AttributeError("x"), "unknown", "defect"),
}


@pytest.mark.parametrize(("error", "kind", "reason"), MEANINGS.values(), ids=MEANINGS)
def test_a_failure_says_whether_the_request_may_have_arrived(error, kind, reason):
    outcome = classify_failure(error)
    assert (outcome.kind, outcome.reason) == (kind, reason)


def test_a_caller_whose_request_changes_nothing_sends_it_again():
    assert classify_failure(ResponseNotReceived("timed_out"), later).kind == "later"
