"""Alert webhooks of saved searches: unsigned JSON, sent once.

https://docs.splunk.com/Documentation/Splunk/latest/Alert/Webhooks (2026-11). Timeout and retries
are not documented: 10 seconds and none here.
"""

import json
from pathlib import PurePosixPath
from random import Random
from typing import Any
from urllib.parse import quote

from sandbox.sending.deliveries import Attempt, Delivery, SendingRules, SignedMessage
from sandbox.splunk.accounts import HEC_TOKENS, SAVED_SEARCHES, SavedSearch
from sandbox.splunk.fired_alerts import FiredAlerts
from sandbox.splunk.search import fields
from sandbox.storage.account_store import AccountStore
from sandbox.storage.journal import JournaledDict

RULES = SendingRules(10.0)
ALERT = "alert"
EXAMPLE = {"sourcetype": "access", "count": "8"}


class SplunkAlerts:
    """An alert of a stack is sent by each of its saved searches that has a URL."""

    key = "splunk"
    tampers: tuple[str, ...] = ("body", "signature")

    def __init__(
        self, store: AccountStore, events: JournaledDict, fired: FiredAlerts, random: Random
    ):
        """`events` are the indexed ones of all stacks."""
        self._store = store
        self._fired = fired
        self._events = events
        self._random = random

    def accounts(self) -> list[str]:
        stacks = [token.stack for token in self._store[HEC_TOKENS].values()]
        stacks += [search.stack for search in self._store[SAVED_SEARCHES].values()]
        return list(dict.fromkeys(stacks))

    def events(self) -> list[str]:
        return [ALERT]

    def cause(
        self, account: str, event: str, *, times: int, at: float, base: str
    ) -> list[Delivery]:
        searches = [
            search
            for search in self._store[SAVED_SEARCHES].values()
            if search.stack == account and search.url
        ]
        if not searches:
            raise ValueError(f"no saved search of {account} has a URL")
        return [self._delivery(search, at) for _ in range(times) for search in searches]

    def _delivery(self, search: SavedSearch, at: float) -> Delivery:
        digest = f"{self._random.getrandbits(64):016x}"
        sid = f"scheduler__{search.owner}__{search.app}__RMD5{digest}_at_{int(at)}"
        path = PurePosixPath("/app", search.app, "@go")
        row = self._first_row(search.stack)
        if search.track:
            self._fired.add(search, sid, row, at)
        body = json.dumps(
            {
                "result": row,
                "sid": sid,
                "results_link": f"http://{search.stack}:8000{path}?sid={quote(sid)}",
                "search_name": search.name,
                "owner": search.owner,
                "app": search.app,
            }
        ).encode()

        def build(attempt: Attempt) -> SignedMessage:
            return SignedMessage(body, {"Content-Type": "application/json"})

        return Delivery(
            system=self.key,
            account=search.stack,
            event=ALERT,
            id=sid,
            url=search.url,
            rules=RULES,
            build=build,
        )

    def _first_row(self, stack: str) -> dict[str, Any]:
        """The newest event of the stack, every value a text."""
        for event in self._events.newest():
            if event["stack"] == stack:
                return {str(name): str(value) for name, value in fields(event)}
        return EXAMPLE
