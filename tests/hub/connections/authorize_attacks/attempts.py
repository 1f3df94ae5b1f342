"""Attempts to connect that come back with something else than they were given."""

import json

from connectors.http import Response
from connectors.registry import CONNECTORS
from hub.connections.connecting.oauth.begin import begin_authorization
from hub.connections.connecting.oauth.callback import receive_callback
from hub.connections.connecting.oauth.session import BrowserIdentity
from tests.connectors.test_oauth import GRANTED
from tests.factories import NOON
from tests.fakes import FakeHttp
from tests.hub.connections.browsers import query_of

SLACK, SALESFORCE = CONNECTORS["slack"], CONNECTORS["salesforce"]
BACK = "https://hub.test/connect/{}/callback"


def call_back_with(browser, system, **changes):
    """Comes back from there with something else than it gave; None leaves it out."""
    came = query_of(browser.allow(browser.get_consent_url(system))) | changes
    said = {key: value for key, value in came.items() if value is not None}
    return browser.client.get(f"/connect/{system}/callback", said, follow=True)


# --- hostile answers, without a network ---


def receive_callback_with(make, connector, *answers):
    make.app(connector.key, {"client_id": "id", "client_secret": "a client secret"})
    who, given = BrowserIdentity("a browser"), iter([b"s" * 32, b"v" * 48])
    addresses = {"redirect_uri": BACK.format(connector.key), "return_to": "/"}
    _, url = begin_authorization(
        make.tenant(), connector, who, random=lambda count: next(given), now=NOON, **addresses
    )
    data = {"state": [query_of(url)["state"]], "code": ["a code"]}
    way = {"redirect_uri": addresses["redirect_uri"], "call": FakeHttp(answers).call}
    return receive_callback(data, connector=connector, identity=who, now=NOON, **way)


def build_grant_response(connector, **changes):
    return Response(200, json.dumps(GRANTED[connector.key] | changes).encode())
