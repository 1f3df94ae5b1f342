"""OAuth: what every system that lets us in by a code promises, and how its answers are believed."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.base import Grant
from connectors.http import Response, Unreadable
from connectors.oauth import build_code_challenge, parse_permissions
from connectors.outcomes import Outcome
from connectors.registry import CONNECTORS
from connectors.schema import Account
from tests.connectors.every_connector import APP, BACK, VERIFIER
from tests.connectors.recorded import credential

OAUTH = [connector for connector in CONNECTORS.values() if connector.needs_oauth]
SLACK, SALESFORCE = CONNECTORS["slack"], CONNECTORS["salesforce"]
each = pytest.mark.parametrize("connector", OAUTH, ids=lambda connector: connector.key)

GRANTED = {
    "slack": {
        "ok": True,
        "access_token": "xoxb-new",
        "token_type": "bot",
        "scope": "chat:write,chat:write.public,channels:read",
        "team": {"id": "T0000ACME", "name": "Acme"},
        "enterprise": None,
        "is_enterprise_install": False,
    },
    "salesforce": {
        "access_token": "00Dnew!session",
        "refresh_token": "5Aepnew",
        "scope": "refresh_token api",
        "instance_url": "https://acme.my.salesforce.com",
        "id": "https://login.salesforce.com/id/00D000000000001EAA/005000000000001AAA",
        "token_type": "Bearer",
        "issued_at": "1764000000000",
    },
    "pipedrive": {
        "access_token": "v1u:new",
        "refresh_token": "v1r:new",
        "scope": "base,deals:full,contacts:full,leads:full,activities:full",
        "api_domain": "https://acme.pipedrive.com",
        "token_type": "Bearer",
        "expires_in": 3600,
    },
}


def parse_token_answer(key, **changes):
    body = json.dumps(GRANTED[key] | changes).encode()
    return CONNECTORS[key].parse_token_response(Response(200, body), APP, credential(key))


def sent_to(connector, **fields):
    url = connector.build_authorize_url(
        APP, credential(connector.key), state="s1", redirect_uri=BACK, verifier=VERIFIER, **fields
    )
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


@each
def test_a_person_is_sent_with_state_and_our_own_address(connector):
    asked = sent_to(connector)
    assert (asked["state"], asked["redirect_uri"], asked["client_id"]) == (
        "s1",
        BACK,
        APP["client_id"],
    )
    assert "client_secret" not in asked
    assert ("code_challenge" in asked) is connector.uses_pkce


def test_the_account_that_is_connected_again_is_the_one_that_is_offered():
    """Not whichever the browser is signed in to."""
    again = {key: sent_to(CONNECTORS[key]) for key in ("slack", "salesforce")}
    assert (again["slack"]["team"], again["salesforce"]["prompt"]) == (
        credential("slack").account,
        "login",
    )
    new = {key: consent_of(CONNECTORS[key], account="") for key in ("slack", "salesforce")}
    assert "team" not in new["slack"] and "prompt" not in new["salesforce"]
    assert "team" not in consent_of(SLACK, account="E0000ACME")


def consent_of(connector, *, account):
    known = credential(connector.key, account=account)
    url = connector.build_authorize_url(
        APP, known, state="s1", redirect_uri=BACK, verifier=VERIFIER
    )
    return dict(parse_qsl(urlsplit(url).query))


@each
def test_a_code_is_exchanged_with_the_same_address(connector):
    request = connector.exchange_request(
        APP, credential(connector.key), code="c1", redirect_uri=BACK, verifier=VERIFIER
    )
    assert (request.method, request.form["code"], request.form["redirect_uri"]) == (
        "POST",
        "c1",
        BACK,
    )
    assert ("code_verifier" in request.form) is connector.uses_pkce or not connector.uses_pkce


@each
def test_says_why_it_asks_for_each_permission(connector):
    assert connector.permissions and all(
        entry.key and entry.purpose for entry in connector.permissions
    )
    assert connector.guide and any("%(redirect_uri)s" in step for step in connector.guide)


def test_the_challenge_is_that_of_the_rfc():
    assert (
        build_code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


def test_optional_permissions_are_asked_for_only_where_a_person_wants_them():
    assert "chat:write.customize" not in sent_to(SLACK)["scope"].split(",")
    assert "chat:write.customize" in sent_to(SLACK, optional=["chat:write.customize", "admin"])[
        "scope"
    ].split(",")
    assert "admin" not in sent_to(SLACK, optional=["admin"])["scope"]


def test_what_was_not_granted_is_named():
    assert SLACK.list_missing_permissions(["chat:write"]) == ["chat:write.public", "channels:read"]
    assert SALESFORCE.list_missing_permissions(["full", "offline_access"]) == []
    assert SALESFORCE.list_missing_permissions(["full"]) == ["refresh_token"]
    assert SLACK.list_missing_permissions(None) == []


@pytest.mark.parametrize("told", ["a,b", "a b", "a, b", " b a "])
def test_permissions_are_read_whatever_stands_between_them(told):
    assert parse_permissions(told) == ("a", "b")


@pytest.mark.parametrize("told", [None, 7, ["a"], {"a": 1}])
def test_permissions_that_are_no_text_are_ignored(told):
    assert parse_permissions(told) is None


def test_slack_grants_a_token_and_names_the_workspace():
    grant = parse_token_answer("slack", expires_in=43200, refresh_token="xoxe-1-1")
    assert (grant.account, grant.expires_in) == (Account("T0000ACME", "Acme"), 43200.0)
    assert grant.secret == {"access_token": "xoxb-new", "refresh_token": "xoxe-1-1"}


def test_a_user_token_stands_beside_the_bots():
    user = {
        "id": "U1",
        "access_token": "xoxe.xoxp-1",
        "refresh_token": "xoxe-1-u",
        "token_type": "user",
    }
    secret = parse_token_answer("slack", authed_user=user).secret
    assert (secret["user_access_token"], secret["user_refresh_token"]) == (
        "xoxe.xoxp-1",
        "xoxe-1-u",
    )


def test_slack_names_the_organisation_where_the_app_is_installed_for_all_of_it():
    grant = parse_token_answer(
        "slack", is_enterprise_install=True, enterprise={"id": "E1", "name": "Group"}, team=None
    )
    assert grant.account == Account("E1", "Group")


def test_slack_without_a_bot_token_is_refused():
    answer = parse_token_answer("slack", access_token=None, authed_user={"access_token": "xoxp-1"})
    assert (answer.kind, answer.reason) == ("never", "no_access_token")


def test_salesforce_grants_tokens_and_says_where_the_organisation_lives():
    grant = parse_token_answer("salesforce")
    assert grant.account == Account("00D000000000001EAA", user="005000000000001AAA")
    assert grant.settings == {"instance_url": "https://acme.my.salesforce.com"}
    assert (grant.environment, grant.expires_in) == ("production", None)


@pytest.mark.parametrize(
    "changes",
    [
        {"instance_url": "https://acme--uat.sandbox.my.salesforce.com"},
        {"id": "https://test.salesforce.com/id/00D000000000001EAA/005000000000001AAA"},
    ],
)
def test_a_salesforce_sandbox_is_recognised(changes):
    assert parse_token_answer("salesforce", **changes).environment == "sandbox"


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254",
        "https://evil.example",
        "https://acme.my.salesforce.com.evil.example",
        "https://evil.example\\@acme.my.salesforce.com",
        "http://acme.my.salesforce.com",
        "javascript:alert(1)",
        "",
        None,
        {"host": "x"},
    ],
)
def test_an_instance_elsewhere_is_not_believed(url):
    assert parse_token_answer("salesforce", instance_url=url).reason == "host_refused"


def test_an_identity_that_is_not_signed_by_our_secret_is_not_believed():
    assert parse_token_answer("salesforce", signature="AAAA").reason == "bad_signature"


HOSTILE = {
    "mac": {"token_type": "mac"},
    "a line break": {"access_token": "xoxb-1\r\nX-Evil: 1"},
    "an object": {"access_token": {"a": 1}},
    "a list": {"refresh_token": ["5Aep"]},
    "not ascii": {"access_token": "xoxb-é"},
    "too long": {"access_token": "x" * 5000},
    "nobody": {"team": None, "id": None},
    "a long id": {
        "team": {"id": "T" * 300},
        "id": f"https://login.salesforce.com/id/{'0' * 300}/005",
    },
    "a strange id": {"team": {"id": "T\x00"}, "id": "https://login.salesforce.com/id/0\x000/005"},
}


@each
@pytest.mark.parametrize("changes", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_answer_grants_nothing(connector, changes):
    try:
        answer = parse_token_answer(connector.key, **changes)
    except Unreadable:
        return
    assert (
        isinstance(answer, Outcome) or answer.account == parse_token_answer(connector.key).account
    )


@each
@pytest.mark.parametrize("told", [0, -1, "3600", None, 1e12, "abc", True, {}, float("inf")])
def test_a_strange_life_is_no_fault(connector, told):
    grant = parse_token_answer(connector.key, expires_in=told)
    assert isinstance(grant, Grant) and (
        grant.expires_in is None or 0 < grant.expires_in <= 400 * 86400
    )


@each
@pytest.mark.parametrize(
    "body", [b"<html>Sorry</html>", b"", b"[]", b"null", b'"ok"', b"[" * 100_000, b"\xff"]
)
def test_a_page_instead_of_an_answer_is_unreadable(connector, body):
    with pytest.raises(Unreadable):
        connector.parse_token_response(Response(200, body), APP, credential(connector.key))


@each
def test_the_issuer_is_believed_only_where_it_is_the_system_itself(connector):
    own = credential(connector.key)
    assert connector.is_issued_by(f"https://{urlsplit(sent_to_url(connector)).hostname}", own)
    assert not connector.is_issued_by("https://evil.example", own)
    assert not connector.is_issued_by("", own)


def sent_to_url(connector):
    return connector.build_authorize_url(
        APP, credential(connector.key), state="s", redirect_uri=BACK, verifier=VERIFIER
    )


@each
def test_words_of_refusal_have_a_meaning(connector):
    assert connector.find_problem("access_denied") == "denied"
    assert connector.find_problem("<script>") == "refused"
