"""A person at a consent page, and the application at the token endpoint."""

import base64
import hashlib
import re
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

BACK = "http://127.0.0.1:8000/connect/callback"
VERIFIER = "v" * 43
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)
ACME, GLOBEX = "T0000ACME", "T000GLOBEX"
ORG, OTHER = "00D000000000001EAA", "00D000000000002EAA"
SLACK, SALESFORCE = "/slack/oauth/v2/authorize", "/salesforce/login/services/oauth2/authorize"
SLACK_APP = {"client_id": "hub.slack", "client_secret": "slack-secret"}
SALESFORCE_APP = {"client_id": "hub.salesforce", "client_secret": "salesforce-secret"}
ASKED = {
    "client_id": "hub.slack",
    "redirect_uri": BACK,
    "scope": "chat:write,users:read",
    "state": "s1",
}
OF_SALESFORCE = ASKED | {"client_id": "hub.salesforce", "scope": "api refresh_token"}
WITH_PKCE = OF_SALESFORCE | {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


def list_buttons(desk, path, **query):
    page = desk.get(f"{path}?{urlencode(query)}").text
    return [
        unescape(re.sub("<[^>]+>", "", button))
        for button in re.findall(r"<button[^>]*>.*?</button>", page)
    ]


def submit_consent(desk, path, account, *, ticked=None, **query):
    """What the server answers to the click."""
    boxes = {} if ticked is None else {"scope_shown": "yes", "scope": ticked}
    form = {"account": account, **boxes} if account else {"answer": "deny"}
    return desk.post(f"{path}?{urlencode(query)}", data=form, allow_redirects=False)


def parse_callback(answer):
    """What the callback is called with."""
    assert answer.headers["Location"].startswith(BACK), answer.text
    return {
        key: value for key, (value,) in parse_qs(urlsplit(answer.headers["Location"]).query).items()
    }


def allow(desk, path, account, **query):
    return parse_callback(submit_consent(desk, path, account, **query))


def request_slack_token(desk, **form):
    return desk.post("/slack/api/oauth.v2.access", data=SLACK_APP | form).json()


def connect_slack(desk, account, **query):
    code = allow(desk, SLACK, account, **ASKED | query)["code"]
    return request_slack_token(desk, code=code, redirect_uri=BACK)


def call_slack(desk, token, method="auth.test"):
    return desk.post(f"/slack/api/{method}", headers={"Authorization": f"Bearer {token}"}).json()


def request_salesforce_token(desk, *, host="login", **form):
    return desk.post(f"/salesforce/{host}/services/oauth2/token", data=SALESFORCE_APP | form).json()


def redeem(desk, code, *, host="login", **form):
    sent = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK} | form
    return request_salesforce_token(desk, host=host, **sent)


def connect_salesforce(desk, org, *, host="login", **query):
    path = f"/salesforce/{host}/services/oauth2/authorize"
    return redeem(desk, allow(desk, path, org, **OF_SALESFORCE | query)["code"], host=host)


def refresh_salesforce(desk, token, *, host="login"):
    return request_salesforce_token(
        desk, host=host, grant_type="refresh_token", refresh_token=token
    )


def read_limits_status(desk, org, token):
    """The status of a small call of the REST API."""
    url = f"/salesforce/{org}/services/data/v67.0/limits"
    return desk.get(url, headers={"Authorization": f"Bearer {token}"}).status_code
