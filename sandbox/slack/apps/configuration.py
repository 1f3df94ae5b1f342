"""The configuration of a Slack app, as its settings pages hold it: one for all workspaces."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.accounts import Team
from sandbox.storage.account_store import AccountStore
from sandbox.storage.sections import AccountList

SCOPES = {  # of the bot, that each event type needs; "" for those of the app itself
    "app_mention": "app_mentions:read",
    "message.im": "im:history",
    "app_uninstalled": "",
    "tokens_revoked": "",
}


@dataclass(frozen=True)
class SlackApp:
    """Where Slack sends what, and the secret that signs all of it."""

    app_id: str
    signing_secret: str = ""
    request_url: str = ""
    bot_events: list[str] = field(default_factory=lambda: list(SCOPES))
    interactivity_url: str = ""
    slash_commands: list[dict[str, Any]] = field(default_factory=list)

    def command_url(self, command: str) -> str:
        """Return the URL of this slash command; empty where the app has no such command."""
        urls = [str(one.get("url", "")) for one in self.slash_commands if one["command"] == command]
        return urls[0] if urls else ""


APPS = AccountList("slack_apps", SlackApp, "app_id")
BUILT_IN: list[dict[str, Any]] = [
    {"app_id": "A0000000HUB", "signing_secret": "8f742231b10e8888abcd99yyyzzz85a5"}
]


def find_app(store: AccountStore, team: Team) -> SlackApp:
    """Return the configuration of this workspace's app; an empty one where the world has none."""
    return store[APPS].get(team.app_id) or SlackApp(team.app_id)
