"""Connecting by OAuth, as the hub's wizard does it: a person allows, the code becomes tokens."""

import base64
import hashlib
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

BACK = "http://127.0.0.1:8000/connect/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
SLACK, SALESFORCE = "/slack/oauth/v2/authorize", "/salesforce/login/services/oauth2/authorize"
ASKED = {"client_id": "hub.slack", "redirect_uri": BACK, "scope": "chat:write,users:read", "state": "s1"}


def links(desk, path, **query):
    page = desk.get(f"{path}?{urlencode(query)}").text
    return [
        unescape(part.split('"')[0]) for part in page.split('class="button')[1:] for part in [part.split('href="')[1]]
    ]


def allow(desk, path, place, **query):
    """What the browser is sent back with, after the n-th account was chosen."""
    answer = requests.get(desk.url + links(desk, path, **query)[place], allow_redirects=False, timeout=5)
    assert answer.headers["Location"].startswith(BACK)
    return {key: value for key, (value,) in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def test_slack_gives_a_code_for_the_chosen_workspace(desk):
    came = allow(desk, SLACK, 0, **ASKED)
    assert came["state"] == "s1"
    form = {"client_id": "hub.slack", "client_secret": "slack-secret", "code": came["code"], "redirect_uri": BACK}
    answer = desk.post("/slack/api/oauth.v2.access", data=form).json()
    assert (answer["access_token"], answer["team"]["id"]) == ("xoxb-acme-1", "T0000ACME")
    assert desk.ledger()[-1]["account"] == "T0000ACME"
    assert desk.post("/slack/api/oauth.v2.access", data=form).json()["error"] == "invalid_code"


def test_a_code_ends_after_ten_minutes_and_holds_for_its_redirect_only(desk):
    form = {"client_id": "hub.slack", "client_secret": "slack-secret", "redirect_uri": BACK}
    old = allow(desk, SLACK, 0, **ASKED)["code"]
    desk.now += 600
    assert desk.post("/slack/api/oauth.v2.access", data=form | {"code": old}).json()["error"] == "invalid_code"
    fresh = form | {"code": allow(desk, SLACK, 0, **ASKED)["code"], "redirect_uri": BACK + "/other"}
    assert desk.post("/slack/api/oauth.v2.access", data=fresh).json()["error"] == "bad_redirect_uri"


def test_salesforce_checks_the_verifier(desk):
    asked = ASKED | {"client_id": "hub.salesforce", "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    form = {"grant_type": "authorization_code", "client_id": "hub.salesforce", "client_secret": "salesforce-secret"}

    def redeem(**more):
        code = allow(desk, SALESFORCE, 1, **asked)["code"]
        sent = form | {"code": code, "redirect_uri": BACK} | more
        return desk.post("/salesforce/login/services/oauth2/token", data=sent).json()

    assert redeem(code_verifier="wrong")["error"] == "invalid_request"
    assert redeem()["error"] == "invalid_grant"
    good = redeem(code_verifier=VERIFIER)
    assert good["instance_url"] == f"{desk.url}/salesforce/00D000000000002EAA" and good["refresh_token"]


@pytest.mark.parametrize("path", [SLACK, SALESFORCE])
def test_a_person_may_say_no(desk, path):
    client = "hub.slack" if path == SLACK else "hub.salesforce"
    no = links(desk, path, **ASKED | {"client_id": client})[-1]
    assert no.startswith(BACK) and "error=access_denied" in no and "state=s1" in no


@pytest.mark.parametrize(
    "change", [{"client_id": "other"}, {"redirect_uri": "https://evil.example/"}, {"redirect_uri": "javascript:1"}]
)
def test_a_strange_client_or_redirect_gets_no_code(desk, change):
    assert desk.get(f"{SLACK}?{urlencode(ASKED | change)}").status_code == 400
    allowed = f"{SLACK.replace('authorize', 'allow')}?{urlencode(ASKED | change | {'account': 'T0000ACME'})}"
    assert desk.get(allowed, allow_redirects=False).status_code == 400
