"""Each way in which a code is not exchanged for tokens, in a real browser."""

import pytest

from bench.installation.processes import wait_until

pytestmark = [pytest.mark.desk, pytest.mark.timeout(180), pytest.mark.xdist_group("running_hub")]

YOU = "You can fix it yourself."
ADMIN = "An administrator of your {} can fix it."
US = "The operator of Integration Hub can fix it."
WAIT = "You do not need to do anything. The problem resolves itself."


def slack_says(error):
    return {"path": "oauth.v2.access", "body": {"ok": False, "error": error}}


ASKED_FOR_TOKENS = {
    "an expired code": (
        "slack",
        slack_says("invalid_code"),
        "The authorization code has expired",
        YOU,
    ),
    "a redirect URL that is not registered": (
        "slack",
        slack_says("bad_redirect_uri"),
        "Slack does not accept our redirect URL",
        US,
    ),
    "a client secret that is wrong": (
        "slack",
        slack_says("bad_client_secret"),
        "Slack does not recognise our app",
        US,
    ),
    "an app that is not distributed": (
        "slack",
        slack_says("invalid_team_for_non_distributed_app"),
        "Our app cannot be installed there yet",
        US,
    ),
    "a provider that is down": (
        "salesforce",
        {"path": "oauth2/token", "status": 503},
        "Salesforce does not respond",
        WAIT,
    ),
    "a cut line": ("pipedrive", {"path": "token", "status": 0}, "Pipedrive does not respond", WAIT),
    "a page instead of tokens": (
        "salesforce",
        {"path": "oauth2/token", "body": "<html>Maintenance</html>"},
        "Salesforce sent an unexpected response",
        US,
    ),
    "a person who is gone": (
        "salesforce",
        {"path": "oauth2/token", "status": 400, "body": {"error": "inactive_user"}},
        "The user or the account is not active",
        ADMIN.format("Salesforce"),
    ),
    "an unexpected host": (
        "salesforce",
        {"path": "oauth2/token", "changes": {"instance_url": "https://evil.example"}},
        "The response names an unexpected host",
        US,
    ),
    "no token at all": (
        "slack",
        {"path": "oauth.v2.access", "changes": {"access_token": None}},
        "We did not receive a token",
        ADMIN.format("Slack"),
    ),
}


@pytest.mark.parametrize(
    ("connector", "fault", "title", "who"), ASKED_FOR_TOKENS.values(), ids=ASKED_FOR_TOKENS
)
def test_the_other_system_gives_no_tokens(olga, running_hub, connector, fault, title, who):
    running_hub.fault(connector, **fault)
    olga.begins(connector)
    olga.allows()
    olga.assert_told(title, who)


def test_a_call_too_many_is_waited_out(olga, running_hub):
    running_hub.fault("slack", path="oauth.v2.access", retry_after=1)
    olga.begins("slack")
    olga.allows()
    olga.assert_told("Slack asks us to wait", WAIT)
    wait_until(olga.tries_again, within=20, what="the end of the wait")
    olga.press("Cancel")
