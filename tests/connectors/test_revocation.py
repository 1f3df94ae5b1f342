"""Tokens that have ended, and what a revocation says."""

import json

import pytest

from connectors.http import Response
from connectors.registry import CONNECTORS
from tests.connectors.every_connector import APP
from tests.connectors.recorded import credential

SLACK, SALESFORCE = CONNECTORS["slack"], CONNECTORS["salesforce"]


@pytest.mark.parametrize(
    ("connector", "response"),
    [
        (SLACK, Response(200, b'{"ok":true,"revoked":true}')),
        (SLACK, Response(200, b'{"ok":true}')),
        (SLACK, Response(200, b'{"ok":false,"error":"account_inactive"}')),
        (SALESFORCE, Response(200)),
        (
            SALESFORCE,
            Response(400, b'{"error":"invalid_token","error_description":"invalid token"}'),
        ),
    ],
)
def test_a_token_that_has_ended_already_is_ended(connector, response):
    assert connector.parse_revoke(response).kind == "delivered"


@pytest.mark.parametrize("word", ["token_expired", "token_revoked", "invalid_auth"])
def test_an_access_token_of_slack_that_has_ended_tells_nothing_of_the_refresh_token(word):
    outcome = SLACK.parse_revoke(Response(200, json.dumps({"ok": False, "error": word}).encode()))
    assert (outcome.kind, outcome.reason) == ("refresh", word)


def test_slack_uninstalls_an_app_that_rotates_its_tokens():
    lasting = SLACK.revoke_request(APP, credential("slack", secret={"access_token": "xoxb-1"}))
    rotating = SLACK.revoke_request(
        APP, credential("slack", secret={"access_token": "xoxe.xoxb-1", "refresh_token": "xoxe-1"})
    )
    assert (lasting.url, lasting.form) == ("https://slack.com/api/auth.revoke", {})
    assert (
        rotating.url == "https://slack.com/api/apps.uninstall" and rotating.bearer == "xoxe.xoxb-1"
    )
    assert set(rotating.form) == {"client_id", "client_secret"}


def test_what_slack_does_not_call_revoked_is_not():
    assert SLACK.parse_revoke(Response(200, b'{"ok":true,"revoked":false}')).kind == "never"
    assert (
        SLACK.parse_revoke(Response(200, b'{"ok":false,"error":"client_id_token_mismatch"}')).kind
        == "never"
    )


def test_a_provider_that_is_down_has_not_revoked():
    assert SALESFORCE.parse_revoke(Response(503)).kind == "later"
    assert SLACK.parse_revoke(Response(503)).kind == "later"
