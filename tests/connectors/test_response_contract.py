"""What every connector makes of responses: each has an outcome, and none breaks it."""

import json
from contextlib import suppress
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Grant
from connectors.http import Response, Unreadable
from connectors.outcomes import Outcome
from connectors.roles import Page
from connectors.schema import Account
from connectors.webhook_sources import SubscriptionPage
from tests.connectors.every_connector import (
    APP,
    SAYS_BY_STATUS,
    build_example_message,
    each,
    each_action,
    needs_confirmation,
)
from tests.connectors.recorded import NOON, credential

TRIES_REFUSALS_AGAIN = {
    "webhook"
}  # Standard Webhooks: all but 2xx, 3xx and 410 is tried again, 401 and 404 too
ANSWERS = Account | Outcome | Grant | Page | SubscriptionPage | tuple | dict
PLATITUDES = [
    "ok",
    "error",
    "errors",
    "success",
    "code",
    "ackId",
    "acks",
    "invalid-event-number",
    "id",
    "done",
    "data",
    "records",
    "subscription_url",
]

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(PLATITUDES), inner, max_size=4)
    ),
    max_leaves=8,
)
answers = st.builds(
    Response,
    st.sampled_from(
        [200, 201, 204, 300, 302, 400, 401, 403, 404, 408, 410, 429, 500, 503, 504, 599]
    ),
    st.binary(max_size=99) | documents.map(lambda document: json.dumps(document).encode()),
    st.dictionaries(st.sampled_from(["retry-after", "sforce-limit-info"]), st.text(max_size=20)),
)


def read_outcome(action, *args, **kwargs):
    (outcome,) = action.read_outcomes(
        Response(*args, at=NOON, **kwargs), [build_example_message(action)]
    )
    return outcome


@each_action
def test_401_asks_for_a_new_authorization(connector, action):
    expected = {"later"} if connector.key in TRIES_REFUSALS_AGAIN else {"refresh", "reconnect"}
    assert read_outcome(action, 401).kind in expected


@each_action
def test_404_is_never(connector, action):
    assert read_outcome(action, 404).kind == (
        "later" if connector.key in TRIES_REFUSALS_AGAIN else "never"
    )


@each_action
@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_is_as_long_as_the_response_states(connector, action, status):
    outcome = read_outcome(action, status, headers={"retry-after": "77"})
    assert (outcome.kind, outcome.after) == ("later", 77.0)


@each_action
def test_a_429_costs_no_attempt_and_rests_what_the_request_spends(connector, action):
    spent = {
        scope
        for scope, _ in action.request(
            [build_example_message(action)], credential(connector.key)
        ).spends
    }
    outcome = read_outcome(action, 429)
    assert outcome.costs_no_attempt
    assert outcome.paused_scopes and set(outcome.paused_scopes) <= spent


@each_action
def test_a_redirect_is_never_followed(connector, action):
    assert (
        read_outcome(action, 302, headers={"location": "http://169.254.169.254/"}).kind == "never"
    )


@each_action
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"null", b"[]", b"{}", b'"ok"', b"\xff\xfe", b"[" * 100_000]
)
def test_an_answer_that_cannot_be_read_is_unknown(connector, action, body):
    assert read_outcome(action, 200, body).kind == (
        "delivered" if connector.key in SAYS_BY_STATUS else "unknown"
    )


@each_action
@settings(deadline=None)
@given(response=answers)
def test_strange_answers_are_outcomes_that_a_database_can_keep(connector, action, response):
    three = [
        build_example_message(action, id=f"msg-{number}")
        for number in range(3 if action.batch_size_max > 1 else 1)
    ]
    outcomes = action.read_outcomes(response, three)
    if needs_confirmation(action):
        outcomes += action.read_confirmation(response, three)
    assert len(outcomes) == len(three) * (1 + needs_confirmation(action))
    for outcome in outcomes:
        assert (outcome.reason + outcome.detail + outcome.reference).isprintable()


@each
@settings(deadline=None)
@given(response=answers)
def test_strange_answers_are_outcomes_or_unreadable(connector, response):
    key = credential(connector.key)
    readers = [
        connector.parse_quota_reports,
        *(collection.parse_page for collection in connector.collections),
    ]
    readers += [partial(connector.parse_probe, credential=key)] if connector.has_probe else []
    readers += (
        [partial(connector.parse_refresh, credential=key)] if connector.refreshes_tokens else []
    )
    if connector.needs_oauth:
        readers += [
            partial(connector.parse_token_response, app=APP, credential=key),
            connector.parse_revoke,
        ]
    if connector.subscriptions and not connector.subscriptions.is_manual:
        steps = partial(connector.subscriptions.parse_step, "create")
        readers += [connector.subscriptions.parse_list, steps]
    for reader in readers:
        with suppress(Unreadable):
            assert isinstance(reader(response), ANSWERS)


@each
@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 502])
def test_a_refresh_that_goes_wrong_is_not_the_end_of_the_grant(connector, status):
    if connector.refreshes_tokens:
        outcome = connector.parse_refresh(Response(status, b"<html>"), credential(connector.key))
        assert outcome.kind in {"later", "unknown"}
