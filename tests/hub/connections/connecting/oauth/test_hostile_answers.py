"""Hostile answers of a token endpoint, and somebody who confirms: what is stored is harmless, or
nothing is.
"""

import json

import pytest

from connectors.allowed_hosts import find_allowed_origin
from connectors.http import Response
from connectors.oauth import TOKEN_PATTERN
from connectors.registry import CONNECTORS
from hub.audit import ActorContext
from hub.connections.connecting.oauth.begin import begin_authorization
from hub.connections.connecting.oauth.callback import receive_callback
from hub.connections.connecting.oauth.confirm import confirm_authorization
from hub.connections.connecting.oauth.session import AuthorizationRefused, BrowserIdentity
from hub.connections.models import Connection, Credential
from hub.db.state_machine import InvalidTransition
from tenants.access.tenant_users import TenantUser
from tests.connectors.test_oauth import GRANTED, HOSTILE
from tests.factories import NOON
from tests.fakes import FakeHttp
from tests.hub.connections.browsers import CLIENTS, query_of

pytestmark = pytest.mark.django_db

BACK = "https://hub.test/connect/{}/callback"
LIVES = {
    "slack": {
        "ok": True,
        "team_id": "T0000ACME",
        "team": "Acme",
        "user_id": "U1",
        "url": "https://a.slack.com/",
    },
    "salesforce": {"records": [{"Id": "00D000000000001EAA", "Name": "Acme"}]},
    "pipedrive": {
        "success": True,
        "data": {"id": 1, "name": "Ann", "company_id": 701, "company_name": "Acme"},
    },
}
ELSEWHERE = {
    "a host elsewhere": {
        "instance_url": "https://evil.example",
        "api_domain": "https://evil.example",
    },
    "a host inside": {"instance_url": "https://169.254.169.254", "api_domain": "http://127.0.0.1"},
    "a host that looks like theirs": {
        "instance_url": "https://acme.my.salesforce.com.evil.example",
        "api_domain": "https://acme.pipedrive.com.evil.example",
    },
    "a user's token for the bot's": {"token_type": "user", "access_token": "xoxp-1"},
    "a life without end": {"expires_in": 1e300},
    "all permissions there are": {"scope": "\x00,<script>," + "x" * 10_000},
    "a name that is a page": {
        "team": {"id": "T0000ACME", "name": "<script>alert(1)</script>\x00" * 50}
    },
}


@pytest.fixture(params=CLIENTS)
def code(request):
    return CONNECTORS[request.param]


def build_grant_response(code, changes):
    return Response(200, json.dumps(GRANTED[code.key] | changes).encode())


def confirm_account(make, code, changes, lives=None):
    """Somebody begins, comes back to this answer, and confirms whatever page there is."""
    make.app(code.key, {"client_id": "id", "client_secret": "a client secret"})
    tenant, who, given = make.tenant(), BrowserIdentity("a browser"), iter([b"s" * 32, b"v" * 48])
    addresses = {"redirect_uri": BACK.format(code.key), "return_to": "/"}
    _, url = begin_authorization(
        tenant, code, who, random=lambda count: next(given), now=NOON, **addresses
    )
    living = Response(200, json.dumps(lives or LIVES[code.key]).encode())
    answers = iter([build_grant_response(code, changes)])
    http = FakeHttp(lambda request: next(answers, living))
    data = {"state": [query_of(url)["state"]], "code": ["a code"]}
    way = {"redirect_uri": addresses["redirect_uri"], "call": http.call, "now": NOON}
    row = receive_callback(data, connector=code, identity=who, **way)
    try:
        owner = TenantUser(tenant, "owner")
        confirm_authorization(
            row, owner, ActorContext(owner.actor), call=http.call, random=lambda: 0.5, now=NOON
        )
    except (AuthorizationRefused, InvalidTransition):
        row.refresh_from_db()
    return row, http


def is_harmless(row):
    """What of a connection goes into headers, addresses, pages and columns."""
    connection, document = (
        Connection.unscoped.get(),
        Credential.unscoped.get().open(Connection.unscoped.get()),
    )
    tokens = [value for key, value in document.items() if key.endswith("_token")]
    hosts = [
        connection.settings[key]
        for key in ("instance_url", "api_domain")
        if key in connection.settings
    ]
    texts = [connection.account, connection.account_name, *(connection.permissions or ())]
    return (
        connection.account == row.account
        and all(isinstance(token, str) and TOKEN_PATTERN.fullmatch(token) for token in tokens)
        and all(find_allowed_origin(host, connection.connector.hosts) for host in hosts)
        and all(text.isprintable() and len(text) <= 200 for text in texts)
        and len(texts) <= 210
    )


@pytest.mark.parametrize(
    "changes", [*HOSTILE.values(), *ELSEWHERE.values()], ids=[*HOSTILE, *ELSEWHERE]
)
def test_what_a_person_confirms_is_harmless_or_not_stored(make, code, changes):
    row, http = confirm_account(make, code, changes)
    if row.state == "confirmed":
        assert is_harmless(row)
    else:
        assert (
            not Connection.unscoped.exists()
            and not Credential.unscoped.exists()
            and row.sealed is None
        )
    assert not any("evil" in request.url or "169.254" in request.url for request in http.requests)


def test_what_is_not_hostile_is_stored(make, code):
    """So that the test above does not pass because nothing ever is."""
    row, _ = confirm_account(make, code, {})
    assert row.state == "confirmed" and is_harmless(row)


def test_a_token_of_another_account_than_was_shown_is_not_stored(make, code):
    """The page named one account; by the time of the confirmation the token opens another."""
    other = {
        "slack": LIVES["slack"] | {"team_id": "T0000EVIL"},
        "salesforce": {"records": [{"Id": "00D00000000000EVIL", "Name": "Acme"}]},
        "pipedrive": None,  # whose it is, the probe alone tells: it has shown that one too
    }[code.key]
    if other is None:
        return
    row, _ = confirm_account(make, code, {}, lives=other)
    assert (row.state, row.reason) == (
        "failed",
        "strange_answer",
    ) and not Connection.unscoped.exists()
