"""A provider's check of the URL is answered as it expects, and nothing else is answered."""

import hashlib
import hmac
import json
from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.signatures import Secret, WebhookRequest
from connectors.webhook_sources.handshakes import (
    URL_VERIFICATION,
    FixedAnswer,
    HashAnswer,
    JsonEcho,
    QueryEcho,
    respond_to_handshake,
)

SECRETS = [Secret("a-secret-of-32-characters-0123456")]
KEY = SECRETS[0].value.encode()
META = QueryEcho(
    parameter="hub.challenge",
    match=(("hub.mode", "subscribe"),),
    token_parameter="hub.verify_token",
)
DROPBOX = QueryEcho()
ZOOM = HashAnswer(
    source="json",
    token="payload.plainToken",
    answer_field="encryptedToken",
    token_field="plainToken",
    match=(("event", "endpoint.url_validation"),),
    verify_first=True,
)
X = HashAnswer(
    source="query",
    token="crc_token",
    answer_field="response_token",
    encoding="base64",
    prefix="sha256=",
    methods=("GET",),
)
TRELLO = FixedAnswer(methods=("HEAD",))
DISCORD = FixedAnswer(match=(("type", 1),), json={"type": 1}, methods=("POST",), verify_first=True)
ALL = [URL_VERIFICATION, META, DROPBOX, ZOOM, X, TRELLO, DISCORD, JsonEcho(reply="json")]


def post(content) -> WebhookRequest:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return WebhookRequest("POST", "", body)


def get(query: str, method: str = "GET") -> WebhookRequest:
    return WebhookRequest(method, "", query=query)


def test_slack_gets_its_challenge_as_text_after_the_verification():
    assert URL_VERIFICATION.verify_first
    content = {"token": "x", "challenge": "3eZbrw1aBm2rZgRNFdxV", "type": "url_verification"}
    response = respond_to_handshake(URL_VERIFICATION, post(content), [])
    assert (response.status, response.body) == (200, b"3eZbrw1aBm2rZgRNFdxV")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_monday_gets_its_challenge_as_json():
    response = respond_to_handshake(JsonEcho(reply="json"), post({"challenge": "abc"}), [])
    assert response.json() == {"challenge": "abc"}
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "content",
    [
        {"type": "event_callback", "challenge": "abc"},
        {"type": "url_verification"},
        {"type": ["url_verification"], "challenge": "abc"},
        [],
        "url_verification",
        b"",
        b"\xff",
        b"{",
        b"[" * 60_000,
        b'{"type":"url_verification","challenge":"abc"}' + b" " * 70_000,
    ],
)
def test_an_event_is_no_check(content):
    assert respond_to_handshake(URL_VERIFICATION, post(content), SECRETS) is None


@pytest.mark.parametrize(
    "challenge", ["", "a b", "a\x00", "a\r\nX: y", "é", "x" * 257, "\u202e", 1, {}, ["a"], True]
)
def test_a_challenge_is_short_and_printable(challenge):
    content = {"type": "url_verification", "challenge": challenge}
    response = respond_to_handshake(URL_VERIFICATION, post(content), SECRETS)
    assert (response.status, response.body) == (400, b"")
    if isinstance(challenge, str):
        assert (
            respond_to_handshake(DROPBOX, get("challenge=" + quote(challenge)), SECRETS).status
            == 400
        )


def test_a_challenge_with_markup_is_text():
    response = respond_to_handshake(DROPBOX, get("challenge=%3Cscript%3E"), SECRETS)
    assert response.body == b"<script>"
    assert response.headers["content-type"].startswith("text/plain")
    assert response.headers["x-content-type-options"] == "nosniff"


def test_meta_gets_its_challenge_only_with_our_token():
    query = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
    assert respond_to_handshake(META, get(query + SECRETS[0].value), SECRETS).body == b"1158201444"
    for token in ("", "x", SECRETS[0].value + "x", "None", "%ff", f"a&hub.verify_token={KEY}"):
        assert respond_to_handshake(META, get(query + token), SECRETS).status == 403
    for secrets in ([], [Secret("")], [Secret(" ")], [Secret("short")]):
        for token in ("", "+", "short"):
            assert respond_to_handshake(META, get(query + token), secrets).status == 403


@pytest.mark.parametrize(
    "query",
    [
        "",
        "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=" + SECRETS[0].value,
        "hub.mode=subscribe&hub.verify_token=" + SECRETS[0].value,
        "hub.mode=subscribe&hub.challenge=1&hub.challenge=2",
        "&" * 2000,
    ],
)
def test_another_query_is_no_check(query):
    assert respond_to_handshake(META, get(query), SECRETS) is None


def test_zoom_gets_its_token_and_the_hash_of_it():
    content = {
        "event": "endpoint.url_validation",
        "payload": {"plainToken": "qgg8vlvZRS6UYooatFL8Aw"},
    }
    digest = hmac.new(KEY, b"qgg8vlvZRS6UYooatFL8Aw", hashlib.sha256).hexdigest()
    assert respond_to_handshake(ZOOM, post(content), SECRETS).json() == {
        "plainToken": "qgg8vlvZRS6UYooatFL8Aw",
        "encryptedToken": digest,
    }


def test_x_gets_the_hash_of_its_token():
    digest = b64encode(hmac.new(KEY, b"token", hashlib.sha256).digest()).decode()
    response = respond_to_handshake(X, get("crc_token=token"), SECRETS)
    assert response.json() == {"response_token": "sha256=" + digest}


@pytest.mark.parametrize(
    "token",
    ['{"event":"x"}', "v0:1700000000:{}", "a=b&c=d", "[1]", "a.b", "a\nb", "", "x" * 300, '"x"'],
)
def test_the_hash_of_a_token_is_never_the_signature_of_a_message(token):
    assert respond_to_handshake(X, get("crc_token=" + quote(token)), SECRETS).status == 400
    content = {"event": "endpoint.url_validation", "payload": {"plainToken": token}}
    assert respond_to_handshake(ZOOM, post(content), SECRETS).status == 400


@pytest.mark.parametrize("secrets", [[], [Secret("")], [Secret("short")], [Secret(" " * 40)]])
def test_nothing_is_hashed_without_a_secret(secrets):
    assert respond_to_handshake(X, get("crc_token=token"), secrets).status == 403


def test_the_current_secret_makes_the_hash():
    secrets = [SECRETS[0], Secret("another-secret-of-32-characters-")]
    request = get("crc_token=token")
    assert (
        respond_to_handshake(X, request, secrets).body
        == respond_to_handshake(X, request, SECRETS).body
    )


def test_trello_gets_200_for_head():
    response = respond_to_handshake(TRELLO, get("", method="HEAD"), [])
    assert (response.status, response.body) == (200, b"")
    assert respond_to_handshake(TRELLO, post({}), []) is None


def test_discord_gets_its_ping_back():
    assert respond_to_handshake(DISCORD, post({"type": 1}), []).json() == {"type": 1}
    for content in ({"type": 2}, {"type": True}, {"type": "1"}, {"type": 1.0}, {}):
        assert respond_to_handshake(DISCORD, post(content), []) is None


@settings(deadline=None)
@given(
    handshake=st.sampled_from(ALL),
    method=st.sampled_from(["GET", "HEAD", "POST"]) | st.text(),
    query=st.text(st.characters(max_codepoint=0x2FFF)),
    name=st.sampled_from(["challenge", "hub.challenge", "crc_token", "x"]),
    body=st.binary() | st.dictionaries(st.text(), st.text()).map(json.dumps).map(str.encode),
    secrets=st.lists(st.text(st.characters(max_codepoint=0xFFFF)).map(Secret)),
)
def test_no_request_raises(handshake, method, query, name, body, secrets):
    for text in (query, f"{name}={query}"):
        response = respond_to_handshake(
            handshake, WebhookRequest(method, "", body, query=text), secrets
        )
        assert response is None or response.status in (200, 400, 403)
