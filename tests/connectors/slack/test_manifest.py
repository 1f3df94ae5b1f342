"""The manifest of our app at Slack."""

import json

from connectors.registry import CONNECTORS
from tests.connectors.every_connector import BACK

SLACK, SALESFORCE = CONNECTORS["slack"], CONNECTORS["salesforce"]


def test_slack_takes_a_manifest():
    stated = json.loads(
        SLACK.build_manifest(redirect_uri=BACK, name="A hub with a name that is rather long")
    )
    assert stated["oauth_config"]["redirect_urls"] == [BACK]
    assert "chat:write" in stated["oauth_config"]["scopes"]["bot"]
    assert len(stated["display_information"]["name"]) <= 35
    assert "event_subscriptions" not in stated["settings"]


def test_slacks_manifest_lists_events_commands_and_interactions_with_the_webhook_url():
    url = "https://hub.test/hooks/slack/key/"
    stated = json.loads(SLACK.build_manifest(redirect_uri=BACK, name="Hub", webhook_url=url))
    events = stated["settings"]["event_subscriptions"]
    assert events["request_url"] == url == stated["settings"]["interactivity"]["request_url"]
    assert {"app_mention", "message.im", "app_uninstalled", "tokens_revoked"} == set(
        events["bot_events"]
    )
    assert {command["url"] for command in stated["features"]["slash_commands"]} == {url}
    scopes = set(stated["oauth_config"]["scopes"]["bot"])
    for type in SLACK.webhook_source.event_types:
        assert scopes >= set(type.permissions)
