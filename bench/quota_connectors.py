"""Connectors for benches only: quotas of every kind that bind, and some that never do. Only a bench
knows them.
"""

from collections.abc import Sequence

from connectors.base import Connector
from connectors.http import Rate, Request, Response, Scope, ScopeKind
from connectors.outcomes import Outcome, delivered, outcome_of_status
from connectors.registry import CONNECTORS
from connectors.roles import Action
from connectors.schema import Credential, Message

KEY = "bench"
UNBOUND_KEY, UNBOUND_ACTION = "bench-unbound", "unbound"
PLENTY = Rate(1_000_000, 1)
QUOTAS = {
    "app": Rate(600, 60),
    "account": Rate(100, 10),
    "method": Rate(50, 60),
    "channel": Rate(1, 1),
}
SPENT: dict[str, tuple[ScopeKind, ...]] = {  # by an action, so that the first is what binds
    "app": ("app", "account"),
    "account": ("account",),
    "method": ("method", "account"),
    "channel": ("channel", "account"),
    UNBOUND_ACTION: ("account", "method", "connection"),
}


class SpendQuota(Action):
    """One call that spends some scopes. Its path tells the sink whose they are."""

    is_idempotent = True

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
        return outcome_of_status(response) or delivered()


class QuotaConnector(Connector):
    key = KEY
    label = "Bench"
    actions = tuple(SpendQuota(key) for key in SPENT if key != UNBOUND_ACTION)
    quotas = QUOTAS


class UnboundConnector(Connector):
    key = UNBOUND_KEY
    label = "Bench without limits"
    actions = (SpendQuota(UNBOUND_ACTION),)
    quotas = dict.fromkeys(SPENT[UNBOUND_ACTION], PLENTY)


def install() -> None:
    CONNECTORS[KEY] = QuotaConnector()
    CONNECTORS[UNBOUND_KEY] = UnboundConnector()
