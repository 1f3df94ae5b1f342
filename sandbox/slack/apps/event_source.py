"""What the control can have Slack send, and the events of tokens that end."""

from collections.abc import Callable, Iterable
from random import Random

from sandbox.sending.deliveries import TAMPERS, Delivery
from sandbox.slack.accounts import TEAMS, Team
from sandbox.slack.apps.configuration import find_app
from sandbox.slack.apps.interactivity import Interactivity, Person
from sandbox.slack.apps.people import People, missing
from sandbox.slack.apps.subscriptions import VERIFICATION, EventSubscriptions
from sandbox.slack.rooms import Rooms
from sandbox.storage.account_store import AccountStore

UNINSTALLED, REVOKED = "app_uninstalled", "tokens_revoked"
BUTTON = {
    "type": "button",
    "block_id": "b1",
    "action_id": "approve",
    "text": {"type": "plain_text", "text": "Approve", "emoji": True},
    "value": "yes",
}


class SlackEvents:
    """Events happen as if by the first person, in the first channel that the app is in."""

    key = "slack"
    tampers = TAMPERS

    def __init__(
        self,
        store: AccountStore,
        rooms: Rooms,
        subscriptions: EventSubscriptions,
        interactivity: Interactivity,
        granted: Callable[[Team], Team],
        random: Random,
    ):
        """`granted` returns a workspace with the scopes that its bot token has now."""
        self.subscriptions = subscriptions
        self.people = People(store, rooms, subscriptions, interactivity)
        self._store = store
        self._rooms = rooms
        self._interactivity = interactivity
        self._granted = granted
        self._random = random
        self._causes: dict[str, Callable[[Person, int], Iterable[Delivery]]] = {
            "app_mention": self._mention,
            "message.im": self._direct_message,
            UNINSTALLED: self._build_uninstalls,
            REVOKED: self._build_revocations,
            "slash_command": self._command,
            "block_actions": self._click,
            VERIFICATION: self._handshake,
        }

    def accounts(self) -> list[str]:
        return list(self._store[TEAMS])

    def events(self) -> list[str]:
        return list(self._causes)

    def cause(
        self, account: str, event: str, *, times: int, at: float, base: str
    ) -> list[Delivery]:
        team = self._granted(self._store[TEAMS][account])
        self._check(team, event)
        person = self._person(team, event, at, base)
        return [
            delivery for number in range(times) for delivery in self._causes[event](person, number)
        ]

    def endings(
        self, account: str, users: Iterable[str], at: float, *, uninstalled: bool
    ) -> list[Delivery]:
        """The events of tokens that end: of these users, "" for the bot. Their order is not
        fixed.
        """
        team = self._store[TEAMS][account]
        app = find_app(self._store, team)
        tokens = {
            "oauth": [user for user in users if user],
            "bot": [team.bot_user for user in users if not user],
        }
        events = [{"type": REVOKED, "tokens": tokens}]
        events += [{"type": UNINSTALLED}] if uninstalled else []
        self._random.shuffle(events)
        return [
            self.subscriptions.delivery(app, team, event | {"event_ts": f"{at:.6f}"}, at)
            for event in events
            if not missing(app, team, str(event["type"]))
        ]

    def _check(self, team: Team, event: str) -> None:
        app = find_app(self._store, team)
        if event == "block_actions":
            return
        if event in (VERIFICATION, "slash_command"):
            problem = "" if app.signing_secret else f"the app {app.app_id} has no signing secret"
            if event == VERIFICATION and not app.request_url:
                problem = f"the app {app.app_id} has no Request URL"
        else:
            problem = missing(app, team, event)
            if not problem and self.subscriptions.is_disabled(app):
                problem = f"the event subscriptions of {app.app_id} are disabled"
        if problem:
            raise ValueError(problem)

    def _person(self, team: Team, event: str, at: float, base: str) -> Person:
        user = self._rooms.users(team)[0]
        open_channels = [
            channel
            for channel in self._rooms.channels(team)
            if channel["is_member"] and not channel["is_archived"]
        ]
        if event == "message.im":
            return Person(team, self._rooms.direct_messages(team)[0], user, at, base)
        if not open_channels:
            raise ValueError(f"the app is in no channel of {team.team}")
        return Person(team, open_channels[0], user, at, base)

    def _mention(self, person: Person, number: int) -> list[Delivery]:
        text = f"<@{person.team.bot_user}> question {number + 1}: where is my order?"
        return self.people.write(person, text)

    def _direct_message(self, person: Person, number: int) -> list[Delivery]:
        return self.people.write(person, f"Question {number + 1}: where is my order?")

    def _build_uninstalls(self, person: Person, number: int) -> list[Delivery]:
        """The event alone: no token ends by it."""
        event = {"type": UNINSTALLED, "event_ts": f"{person.at:.6f}"}
        app = find_app(self._store, person.team)
        return [self.subscriptions.delivery(app, person.team, event, person.at)]

    def _build_revocations(self, person: Person, number: int) -> list[Delivery]:
        """The event alone: no token ends by it."""
        tokens = {"oauth": [], "bot": [person.team.bot_user]}
        event = {"type": REVOKED, "tokens": tokens, "event_ts": f"{person.at:.6f}"}
        app = find_app(self._store, person.team)
        return [self.subscriptions.delivery(app, person.team, event, person.at)]

    def _command(self, person: Person, number: int) -> list[Delivery]:
        commands = find_app(self._store, person.team).slash_commands
        if not commands:
            raise ValueError(f"the app {person.team.app_id} has no slash command")
        text = f"where is order {number + 1}?"
        return [self._interactivity.command(person, commands[0]["command"], text)]

    def _click(self, person: Person, number: int) -> list[Delivery]:
        message = self.people.post(person, f"May order {number + 1} be shipped?")
        return [self._interactivity.click(person, message, BUTTON)]

    def _handshake(self, person: Person, number: int) -> list[Delivery]:
        app = find_app(self._store, person.team)
        return [self.subscriptions.handshake(app, person.team.team)]
