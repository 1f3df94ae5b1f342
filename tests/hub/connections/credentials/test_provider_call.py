"""One call to a provider: the outcome of each failure."""

import json
from itertools import count, takewhile

import pytest

from connectors.http import Request, Response
from connectors.outcomes import unknown
from connectors.pipedrive.actions import build_token_costs
from hub.connections.credentials.provider_call import (
    PROVIDER_CALL_BUDGET,
    PROVIDER_CALLS_MAX,
    ExchangeRecorder,
    call_provider,
)
from hub.egress import EgressRefused, RequestNotSent, ResponseNotReceived
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp

pytestmark = pytest.mark.django_db

# --- a call without a usable response ---

WITHOUT_RESPONSE = {
    "another answer than documented": (Response(200, b"<html>"), "never", "unreadable"),
    "no answer": (ResponseNotReceived("timed_out"), "unknown", "timed_out"),
    "no connection": (RequestNotSent("dns_failed"), "later", "dns_failed"),
    "a refused address": (EgressRefused("denied_address"), "never", "egress_refused"),
}


def provider_answer(
    connection, http, build=lambda: Request("GET", "https://slack.com/api"), now=NOON, **options
):
    return call_provider(
        connection,
        build,
        lambda response: json.loads(response.body),
        call=http.call,
        now=now,
        secrets=["a secret value"],
        build_unanswered=unknown,
        **options,
    )


@pytest.mark.parametrize(
    ("answer", "kind", "reason"), WITHOUT_RESPONSE.values(), ids=WITHOUT_RESPONSE
)
def test_each_failure_of_a_call_has_one_outcome(make, answer, kind, reason):
    outcome = provider_answer(make.connection(connector="slack"), FakeHttp(answer))
    assert (outcome.kind, outcome.reason) == (kind, reason)


def test_a_call_that_was_not_sent_says_so(make):
    connection, http = make.connection(connector="slack"), FakeHttp([])
    with PROVIDER_CALL_BUDGET.acquire_for_block(PROVIDER_CALLS_MAX):
        assert provider_answer(connection, http).reason == "busy"
    incomplete = provider_answer(connection, http, lambda: {}["client_id"])
    assert (incomplete.kind, incomplete.reason, http.requests) == ("never", "incomplete", [])


def test_an_exhausted_quota_says_when_the_next_call_may_go(make, settings):
    settings.HUB_ADDRESS_RATE = (1, 60.0)
    connection, http = make.connection(connector="slack"), FakeHttp(Response(200, b"{}"))
    assert provider_answer(connection, http) == {}
    outcome = provider_answer(connection, http)
    assert (outcome.kind, outcome.reason) == ("later", "throttled") and 60 <= outcome.after < 61


def test_a_call_of_low_priority_leaves_a_part_of_each_quota_to_others(make):
    connection = make.connection(connector="pipedrive", account="701", secret={})
    http, moments = FakeHttp(Response(200, b"{}")), count()
    tenth = build_token_costs(3000)  # of the daily budget

    def count_calls(**options):
        def answer():
            request = Request("GET", "https://acme.pipedrive.com/api", spends=tenth)
            now = NOON + next(moments) * MINUTE  # the rates allow it
            return provider_answer(connection, http, lambda: request, now=now, **options)

        return len(list(takewhile(lambda outcome: outcome == {}, iter(answer, None))))

    assert (count_calls(low_priority=True), count_calls()) == (8, 2)


def test_an_outcome_repeats_no_secret(make):
    def call(request):
        raise ValueError("not for a secret value")

    outcome = provider_answer(make.connection(connector="slack"), FakeHttp(call))
    assert "a secret value" not in outcome.detail and "***" in outcome.detail


def test_an_exchange_keeps_no_part_of_a_secret_that_its_excerpt_cuts():
    secret = "s3cr3t-of-the-webhook"
    keeper = ExchangeRecorder(lambda request: Response(200, b"x" * 290 + secret.encode()))
    keeper(Request("GET", "https://x.test/"))
    assert "s3cr3t" not in keeper.describe([secret])
