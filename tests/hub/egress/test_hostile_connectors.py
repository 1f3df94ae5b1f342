"""Every connector meets endpoints with the worst manners: each of its calls ends, and grants
nothing.
"""

import time
from contextlib import suppress
from dataclasses import replace

import pytest

from connectors.base import Grant
from connectors.http import Unreadable
from connectors.outcomes import Outcome
from connectors.registry import CONNECTORS
from connectors.roles import Page
from connectors.schema import Account
from hub.egress import EgressError
from tests.connectors.recorded import NOON, credential, message, rendered
from tests.hub.egress.conftest import by_call

APP = {"client_id": "id", "client_secret": "secret"}
BACK, VERIFIER = "https://hub.test/connect/acme/callback", "v" * 43
SAYS_BY_STATUS = {"app", "webhook"}  # a 2xx is their yes, whatever stands in it
PATIENT = 5.0  # seconds for one call on a busy machine
YES_BY_STATUS = ["ok", "cookie", "gzip", "long", "endless", "strange-header"]  # 200, and no sense
MODES = [*YES_BY_STATUS, "redirect-302", "redirect-307", "lying-length"]


def calls_of(connector):
    """Each kind of call that a connector makes: its request, and how its answer is read."""
    key = credential(connector.key)
    for action in connector.actions:
        sent = message(rendered(action.example or action.default), ticket="7:1764072000")
        yield (
            action.request([sent], key),
            lambda answer, action=action, sent=sent: action.read_outcomes(answer, [sent]),
        )
    if connector.has_probe:
        request = connector.probe_request(key, at=NOON)
        yield request, lambda answer: connector.parse_probe(answer, key)
    if connector.refreshes_tokens:
        yield (
            connector.refresh_request(APP, key),
            lambda answer: connector.parse_refresh(answer, key),
        )
    if connector.needs_oauth:
        request = connector.exchange_request(
            APP, key, code="code-1", redirect_uri=BACK, verifier=VERIFIER
        )
        yield request, lambda answer: connector.parse_token_response(answer, APP, key)
    for collection in connector.collections:
        yield collection.page_request(key, at=NOON, **collection.example), collection.parse_page


def readings(connector, mode, hostile, rules):
    """What a connector makes of each of its calls to this endpoint."""
    for request, read in calls_of(connector):
        start = time.monotonic()
        with suppress(EgressError, Unreadable):
            answer = by_call(replace(request, url=hostile.url(mode)), rules, timeout=PATIENT)
            assert len(answer.body) <= request.response_bytes_max
            found = read(answer)
            yield from found if isinstance(found, list) else [found]
        assert time.monotonic() - start < 2 * PATIENT


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("connector", CONNECTORS.values(), ids=lambda connector: connector.key)
def test_a_hostile_endpoint_grants_and_confirms_nothing(connector, mode, hostile, sandbox):
    for found in readings(connector, mode, hostile, sandbox):
        assert not isinstance(found, Grant | Page)
        if connector.key in SAYS_BY_STATUS and mode in YES_BY_STATUS:
            continue
        assert not isinstance(found, Account)
        assert not (isinstance(found, Outcome) and found.kind == "delivered"), found
