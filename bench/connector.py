"""A connector for benches only: every kind of scope has a quota. Only the processes of a bench know it."""

from collections.abc import Sequence

from connectors.base import Action, Connector
from connectors.outcomes import Outcome, delivered, standing
from connectors.parts import Credential, Message
from connectors.registry import CONNECTORS
from connectors.wire import Rate, Request, Response, Scope

KEY = "bench"
QUOTAS = {"app": Rate(600, 60), "account": Rate(100, 10), "method": Rate(50, 60), "channel": Rate(1, 1)}
SPENT = {  # by an action, so that the first is what binds
    "app": ("app", "account"),
    "account": ("account",),
    "method": ("method", "account"),
    "channel": ("channel", "account"),
}


class Spend(Action):
    """One call that spends some scopes. Its path tells the sink whose they are."""

    idempotent = True

    def __init__(self, key: str) -> None:
        self.key = self.label = key

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        (message,) = messages
        channel = str(message["channel"])
        names = {"method": self.key, "channel": channel}
        return Request(
            "POST",
            f"{credential.settings['url']}/{self.key}/{credential.account}/{channel}",
            json=message.body,
            headers={"Webhook-Id": message.id},
            spends=tuple((Scope(kind, names.get(kind, "")), 1) for kind in SPENT[self.key]),
        )

    def outcome(self, response: Response) -> Outcome:
        return standing(response) or delivered()


class Metered(Connector):
    key = KEY
    label = "Bench"
    actions = tuple(Spend(key) for key in SPENT)
    quotas = QUOTAS


def install() -> None:
    CONNECTORS[KEY] = Metered()
