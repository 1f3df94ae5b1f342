"""The senders, and their messages: https://www.standardwebhooks.com (specification 1.0.0)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from sandbox.sending.deliveries import TAMPERS, Attempt, Delivery, SendingRules, SignedMessage
from sandbox.sending.http_client import OutgoingResponse
from sandbox.sending.sender import Sender
from sandbox.storage.account_store import AccountStore
from sandbox.storage.journal import JournaledDict
from sandbox.storage.sections import AccountList
from sandbox.system import ApiRequest, ApiResponse, System
from sandbox.webhook_signatures import sign_message

GONE = 410
WAITS = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)


def is_gone(response: OutgoingResponse) -> bool:
    return response.status == GONE


RULES = SendingRules(15.0, waits=WAITS, is_final=is_gone, honours_retry_after=True)


@dataclass(frozen=True)
class WebhookSender:
    """An application with one endpoint; each of its secrets adds a signature to each message."""

    sender: str
    name: str = ""
    url: str = ""
    secret: str | list[str] = ""
    event_types: list[str] = field(default_factory=lambda: ["order.created", "user.created"])

    @property
    def secrets(self) -> list[str]:
        secrets = [self.secret] if isinstance(self.secret, str) else self.secret
        return [secret for secret in secrets if secret]


SENDERS = AccountList("standard_webhooks", WebhookSender, "sender")
BUILT_IN: list[dict[str, Any]] = [
    {"sender": "acme", "name": "Acme", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
]


class SenderEvents:
    """A 410 disables the endpoint until its sender has another URL."""

    key = "standard_webhooks"
    tampers = TAMPERS

    def __init__(self, store: AccountStore, state: Path, random: Random):
        self._store = store
        self._random = random
        self._disabled = JournaledDict(state / "standard-webhooks-disabled.jsonl")

    def accounts(self) -> list[str]:
        return list(self._store[SENDERS])

    def events(self) -> list[str]:
        types = (name for one in self._store[SENDERS].values() for name in one.event_types)
        return list(dict.fromkeys(types))

    def cause(
        self, account: str, event: str, *, times: int, at: float, base: str
    ) -> list[Delivery]:
        sender = self._store[SENDERS][account]
        if not sender.url or not sender.secrets:
            raise ValueError(f"{account} has no {'secret' if sender.url else 'url'}")
        if self.is_disabled(sender):
            raise ValueError(f"the endpoint of {account} is disabled: it answered {GONE}")
        return [self._delivery(sender, event, number, at) for number in range(times)]

    def is_disabled(self, sender: WebhookSender) -> bool:
        return bool(self._disabled.get(sender.sender) == sender.url)

    def close(self) -> None:
        self._disabled.close()

    def _delivery(self, sender: WebhookSender, event: str, number: int, at: float) -> Delivery:
        id = f"msg_{self._random.getrandbits(96):024x}"
        moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
        body = json.dumps(
            {
                "type": event,
                "timestamp": moment.replace("+00:00", "Z"),
                "data": {"id": id.removeprefix("msg_"), "number": number + 1},
            }
        ).encode()

        def build(attempt: Attempt) -> SignedMessage:
            """The id stays; the timestamp, and so the signature, is that of the attempt."""
            timestamp = str(int(attempt.at))
            signatures = (sign_message(one, id, timestamp, body) for one in sender.secrets)
            headers = {
                "Content-Type": "application/json",
                "webhook-id": id,
                "webhook-timestamp": timestamp,
                "webhook-signature": " ".join(signatures),
            }
            return SignedMessage(body, headers, "webhook-signature", "webhook-timestamp")

        def record(attempt: Attempt, response: OutgoingResponse, is_good: bool) -> None:
            if is_gone(response):
                self._disabled[sender.sender] = sender.url

        return Delivery(
            system=self.key,
            account=sender.sender,
            event=event,
            id=id,
            url=sender.url,
            rules=RULES,
            build=build,
            is_wanted=lambda: not self.is_disabled(sender),
            record=record,
        )


class StandardWebhooks(System):
    """It has no API; its length is the number of senders."""

    key = "standard_webhooks"

    def __init__(self, store: AccountStore, state: Path, random: Random, sender: Sender):
        self.store = store
        self.events = SenderEvents(store, state, random)
        self._sender = sender

    def account(self, call: ApiRequest) -> str:
        return ""

    def answer(self, call: ApiRequest) -> ApiResponse:
        return ApiResponse(404, self.refusal(404))

    def refusal(self, status: int) -> Any:
        return {"error": status}

    def start(self, deliveries: Iterable[Delivery]) -> None:
        for delivery in deliveries:
            self._sender.start(delivery)

    def close(self) -> None:
        self.events.close()

    def __len__(self) -> int:
        return len(self.store[SENDERS])
