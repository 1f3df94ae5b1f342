"""Actions of people in a workspace (write, reply, use a command, click) and the app's deliveries
about them.
"""

import re
from collections.abc import Iterator
from typing import Any

from sandbox.sending.deliveries import Delivery
from sandbox.slack.accounts import Team
from sandbox.slack.apps.configuration import SCOPES, SlackApp, find_app
from sandbox.slack.apps.interactivity import Interactivity, Person
from sandbox.slack.apps.subscriptions import EventSubscriptions
from sandbox.slack.messages import MOST_TEXT
from sandbox.slack.mrkdwn import get_list
from sandbox.slack.rooms import Rooms
from sandbox.storage.account_store import AccountStore

COMMAND = re.compile(r"(/[a-z0-9_-]+)(?:\s+(.*))?", re.S | re.I)


class People:
    def __init__(
        self,
        store: AccountStore,
        rooms: Rooms,
        subscriptions: EventSubscriptions,
        interactivity: Interactivity,
    ):
        self._store = store
        self._rooms = rooms
        self._subscriptions = subscriptions
        self._interactivity = interactivity

    def write(self, person: Person, text: str) -> list[Delivery]:
        """Post a message of this person, or run its command; return what the app is sent.

        Raises ValueError with a sentence for an empty message or an unknown command.
        """
        text = text.strip()[:MOST_TEXT]
        if not text:
            raise ValueError("the message needs a text")
        if command := COMMAND.fullmatch(text):
            return [self._interactivity.command(person, command[1], command[2] or "")]
        return list(self._deliveries(person.team, person.channel, self.post(person, text)))

    def post(self, person: Person, text: str) -> dict[str, Any]:
        message = {
            "type": "message",
            "user": person.user["id"],
            "team": person.team.team,
            "text": mention_the_app(person.team, text),
        }
        thread = {"thread_ts": person.thread} if person.thread else {}
        return self._rooms.post(person.team, person.channel, message | thread, person.at)

    def click(self, person: Person, ts: str, action_id: str) -> list[Delivery]:
        """Raises ValueError with a sentence where there is nothing to click."""
        message = self._rooms.message(person.channel, ts)
        actions = [one for one in buttons(message or {}) if one["action_id"] == action_id]
        if message is None or not actions:
            raise ValueError("that message has no such button")
        return [self._interactivity.click(person, message, actions[0])]

    def deliver_app_message(
        self, team: Team, channel: dict[str, Any], message: dict[str, Any]
    ) -> list[Delivery]:
        """Its own message in a DM is an event too, with the app's `bot_id` (which events is
        unverified).
        """
        return list(self._deliveries(team, channel, message))

    def _deliveries(
        self, team: Team, channel: dict[str, Any], message: dict[str, Any]
    ) -> Iterator[Delivery]:
        app = find_app(self._store, team)
        event = message | {"channel": channel["id"], "event_ts": message["ts"]}
        if channel["is_im"] and not missing(app, team, "message.im"):
            yield self._subscriptions.delivery(
                app, team, event | {"channel_type": "im"}, float(message["ts"])
            )
        elif is_mention(team, channel, message) and not missing(app, team, "app_mention"):
            yield self._subscriptions.delivery(
                app, team, event | {"type": "app_mention"}, float(message["ts"])
            )


def missing(app: SlackApp, team: Team, event: str) -> str:
    """Return in a sentence why this workspace sends the app no such event; empty where it does."""
    if not app.request_url:
        return f"the app {app.app_id} has no Request URL"
    if not app.signing_secret:
        return f"the app {app.app_id} has no signing secret"
    if event not in app.bot_events:
        return f"the app {app.app_id} does not subscribe to {event}"
    scope = SCOPES.get(event, "")
    if scope and scope not in team.scopes.split(","):
        return f"the app was not granted {scope} in {team.team}"
    return ""


def is_mention(team: Team, channel: dict[str, Any], message: dict[str, Any]) -> bool:
    """Whether a person names the app in a channel that it is in."""
    is_named = re.search(rf"<@{re.escape(team.bot_user)}(\|[^>]*)?>", message["text"])
    return bool(is_named and channel["is_member"] and "user" in message)


def mention_the_app(team: Team, text: str) -> str:
    """With `@Name` of the app as Slack writes a mention."""
    name = re.escape(team.bot_name)
    return re.sub(rf"(?<![\w<])@{name}\b", f"<@{team.bot_user}>", text, flags=re.IGNORECASE)


def buttons(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The buttons of a message's blocks, as an action names them."""
    listed = []
    for number, block in enumerate(get_list(message.get("blocks"))):
        if not isinstance(block, dict):
            continue
        elements = [*get_list(block.get("elements")), block.get("accessory")]
        for element in elements:
            if isinstance(element, dict) and element.get("type") == "button":
                about = {
                    "block_id": block.get("block_id") or f"b{number}",
                    "action_id": element.get("action_id") or f"a{number}",
                }
                listed.append(element | about)
    return listed
