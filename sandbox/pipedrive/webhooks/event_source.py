"""Webhooks v2 on their way: Basic, 10 seconds, three retries; and what the control can cause."""

import base64
import json
from collections.abc import Callable, Iterable
from random import Random
from typing import Any
from uuid import UUID

from sandbox.pipedrive.accounts import COMPANIES, Company
from sandbox.pipedrive.changes import (
    ENTITIES,
    Author,
    Change,
    data_of,
    iso,
    previous_of,
)
from sandbox.pipedrive.kinds import KINDS, Kind
from sandbox.pipedrive.records import Records
from sandbox.pipedrive.webhooks.registry import Webhook, Webhooks
from sandbox.sending.deliveries import Attempt, Delivery, SendingRules, SignedMessage
from sandbox.sending.http_client import OutgoingResponse
from sandbox.storage.account_store import AccountStore

RULES = SendingRules(10.0, waits=(3, 30, 150))
ACTIONS = ("create", "change", "delete")


class PipedriveEvents:
    """`person.create` of the control adds a person, as a colleague of the app's user would."""

    key = "pipedrive"
    tampers: tuple[str, ...] = ("body", "signature")

    def __init__(self, store: AccountStore, records: Records, webhooks: Webhooks, random: Random):
        self._store = store
        self._records = records
        self._webhooks = webhooks
        self._random = random

    def accounts(self) -> list[str]:
        return list(self._store[COMPANIES])

    def events(self) -> list[str]:
        return [f"{entity}.{action}" for entity in ENTITIES.values() for action in ACTIONS]

    def cause(
        self, account: str, event: str, *, times: int, at: float, base: str
    ) -> list[Delivery]:
        company = self._store[COMPANIES][account]
        entity, _, action = event.partition(".")
        if not any(self._webhooks.matching(company, action, entity)):
            raise ValueError(f"no webhook of {account} takes {event}")
        kind = KINDS[next(path for path, name in ENTITIES.items() if name == entity)]
        cause: Callable[[Company, Kind, int, float], None] = {
            "create": self._create,
            "change": self._change,
            "delete": self._delete,
        }[action]
        for number in range(times):
            cause(company, kind, number, at)
        author = Author(company.user_id + 1, "app")
        changes = [change for change in self._records.take_changes() if change.action == action]
        return [
            delivery
            for change in changes
            if change.entity == entity
            for delivery in self.deliveries([change], author)
        ]

    def deliveries(self, changes: Iterable[Change], author: Author) -> list[Delivery]:
        """What the webhooks of a company are sent of changes in it."""
        return [
            self._delivery(webhook, change, author, id=self._uuid(), correlation=self._uuid())
            for change in changes
            if change.is_visible()
            for webhook in self._webhooks.matching(change.company, change.action, change.entity)
            if self._webhooks.is_listening(webhook["id"])
        ]

    def _delivery(
        self, webhook: Webhook, change: Change, author: Author, *, id: str, correlation: str
    ) -> Delivery:
        meta = build_meta(webhook, change, author, id=id, correlation=correlation)
        facts = {"data": data_of(change.new), "previous": previous_of(change)}

        def build(attempt: Attempt) -> SignedMessage:
            body = {"meta": meta | {"attempt": attempt.number}, **facts}
            return basic_message(webhook, json.dumps(body).encode())

        def record(attempt: Attempt, response: OutgoingResponse, is_good: bool) -> None:
            self._webhooks.record(
                webhook["id"],
                number=attempt.number,
                status=response.status,
                is_good=is_good,
                at=attempt.at,
            )

        return Delivery(
            system="pipedrive",
            account=change.company.company,
            event=f"{change.entity}.{change.action}",
            id=id,
            url=webhook["subscription_url"],
            rules=RULES,
            build=build,
            is_wanted=lambda: self._webhooks.is_listening(webhook["id"]),
            record=record,
        )

    def _create(self, company: Company, kind: Kind, number: int, at: float) -> None:
        title = f"{kind.name} {self._random.getrandbits(32):08x}"
        body: dict[str, Any] = {kind.title: title}
        if kind.path == "persons":
            address = f"{title.split()[1]}@example.org"
            body["emails"] = [{"value": address, "primary": True, "label": "work"}]
        if kind.linked_to:
            body["person_id"] = self._person(company, at)
        self._records.create(company, kind, body, at)

    def _change(self, company: Company, kind: Kind, number: int, at: float) -> None:
        """The newest record gets another title."""
        if not self._records.all(company, kind):
            self._create(company, kind, number, at)
        row = self._records.all(company, kind)[-1]
        title = f"{kind.name} {self._random.getrandbits(32):08x}"
        self._records.update(company, kind, str(row["id"]), {kind.title: title}, at)

    def _delete(self, company: Company, kind: Kind, number: int, at: float) -> None:
        """A record that was made for it."""
        self._create(company, kind, number, at)
        row = self._records.all(company, kind)[-1]
        self._records.delete(company, kind, str(row["id"]), at)

    def _person(self, company: Company, at: float) -> int:
        persons = self._records.all(company, KINDS["persons"])
        person = (
            persons[0]
            if persons
            else self._records.create(company, KINDS["persons"], {"name": "Ada Lovelace"}, at)
        )
        return int(person["id"])

    def _uuid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))


def basic_message(webhook: Webhook, body: bytes) -> SignedMessage:
    """With the user and password that the webhook was registered with, if any."""
    headers = {"Content-Type": "application/json", "User-Agent": "Pipedrive Webhooks"}
    if not webhook["http_auth_user"] and not webhook["http_auth_password"]:
        return SignedMessage(body, headers)
    pair = f"{webhook['http_auth_user'] or ''}:{webhook['http_auth_password'] or ''}".encode()
    authorization = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return SignedMessage(body, headers | authorization, "Authorization")


def build_meta(
    webhook: Webhook, change: Change, author: Author, *, id: str, correlation: str
) -> dict[str, Any]:
    company = change.company
    return {
        "action": change.action,
        "entity": change.entity,
        "entity_id": str(change.record["id"]),
        "company_id": company.company,
        "user_id": str(author.user_id),
        "id": id,
        "correlation_id": correlation,
        "timestamp": iso(change.at),
        "is_bulk_edit": False,
        "change_source": author.source,
        "type": webhook["type"],
        "version": "2.0",
        "webhook_id": str(webhook["id"]),
        "webhook_owner_id": str(webhook["owner_id"]),
        "host": f"{company.host}.pipedrive.com",
        "permitted_user_ids": [str(company.user_id), str(company.user_id + 1)],
    }
