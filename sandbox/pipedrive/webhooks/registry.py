"""The webhooks of all companies: registered, listed, banned after failures, deleted at last."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.pipedrive.accounts import Company
from sandbox.pipedrive.checks import Refusal
from sandbox.sending.pace import Pace
from sandbox.storage.journal import JournaledDict

Webhook = dict[str, Any]
ACTIONS = ("create", "change", "delete", "*")
OBJECTS = (
    "activity",
    "deal",
    "lead",
    "note",
    "organization",
    "person",
    "pipeline",
    "product",
    "stage",
    "user",
    "*",
)
REQUIRED = ("subscription_url", "event_action", "event_object", "name")
MOST = 40  # of a user
FIRST = 9001
BAN_FAILURES, BAN_SECONDS = 10, 30 * 60
DELETION_SECONDS = 3 * 24 * 3600
INTERNAL = ("app", "failures", "banned_until", "failing_since")


class Webhooks:
    """Bans and deletions follow the schedule time of Pipedrive, and survive a restart."""

    def __init__(self, state: Path, pace: Pace):
        self._pace = pace
        self._rows = JournaledDict(state / "pipedrive-webhooks.jsonl")
        numbers = JournaledDict(state / "pipedrive-webhook-numbers.jsonl")
        self._numbers = numbers

    def create(self, company: Company, body: Any, at: float, *, kind: str) -> Webhook:
        """Raises Refusal for what Pipedrive does not take; `kind` is application or general."""
        values = check_webhook(body)
        if sum(row["type"] == kind for row in self.of(company)) >= MOST:
            raise Refusal(422, f"Webhook limit reached: at most {MOST} webhooks for each user")
        self._numbers["next"] = number = self._numbers.get("next", FIRST - 1) + 1
        row: Webhook = {
            "id": number,
            "company_id": int(company.company),
            "owner_id": company.user_id,
            "user_id": company.user_id,
            **{name: str(values[name]) for name in REQUIRED},
            "version": "2.0",
            "is_active": 1,
            "add_time": moment(at),
            "remove_time": None,
            "type": kind,
            "http_auth_user": values.get("http_auth_user"),
            "http_auth_password": values.get("http_auth_password"),
            "remove_reason": None,
            "last_delivery_time": None,
            "last_http_status": None,
            "admin_id": company.user_id,
            "app": company.client_id if kind == "application" else "",
            "failures": 0,
            "banned_until": 0.0,
            "failing_since": None,
        }
        self._store(row)
        return row

    def of(self, company: Company) -> list[Webhook]:
        """List the existing webhooks, oldest first; those that failed for three days are
        deleted.
        """
        rows = [row for row in self._rows.values() if row["company_id"] == int(company.company)]
        for row in rows:
            if self._is_hopeless(row):
                self.delete(row)
        return [row for row in rows if str(row["id"]) in self._rows]

    def find(self, company: Company, id: str) -> Webhook | None:
        return next((row for row in self.of(company) if str(row["id"]) == id), None)

    def matching(self, company: Company, action: str, entity: str) -> Iterator[Webhook]:
        for row in self.of(company):
            if row["event_action"] in ("*", action) and row["event_object"] in ("*", entity):
                yield row

    def is_listening(self, id: int) -> bool:
        """Whether it is there, active and not banned."""
        row = self._rows.get(str(id))
        return bool(row and row["is_active"] and self._now() >= row["banned_until"])

    def change(self, row: Webhook, **changes: Any) -> None:
        self._store(self._rows[str(row["id"])] | changes)

    def delete(self, row: Webhook) -> None:
        self._rows.pop(str(row["id"]), None)

    def delete_of_app(self, company: str) -> None:
        """What an app registered goes with it."""
        for row in list(self._rows.values()):
            if row["company_id"] == int(company) and row["type"] == "application":
                self.delete(row)

    def record(self, id: int, *, number: int, status: int, is_good: bool, at: float) -> None:
        """Count the outcome of attempt `number`; ten failed first attempts in a row are a ban."""
        row = self._rows.get(str(id))
        if row is None:
            return
        row = row | {"last_delivery_time": moment(at), "last_http_status": status or None}
        now = self._now()
        if is_good:
            self._store(row | {"failures": 0, "failing_since": None})
            return
        row["failing_since"] = now if row["failing_since"] is None else row["failing_since"]
        row["failures"] += number == 1
        if row["failures"] >= BAN_FAILURES:
            row |= {"failures": 0, "banned_until": now + BAN_SECONDS}
        self._store(row)
        if self._is_hopeless(row):
            self.delete(row)

    def is_banned(self, row: Webhook) -> bool:
        return bool(self._now() < row["banned_until"])

    def close(self) -> None:
        self._rows.close()
        self._numbers.close()

    def _is_hopeless(self, row: Webhook) -> bool:
        since = row["failing_since"]
        return since is not None and self._now() >= since + DELETION_SECONDS

    def _now(self) -> float:
        return self._pace.now("pipedrive")

    def _store(self, row: Webhook) -> None:
        self._rows[str(row["id"])] = row


def check_webhook(body: Any) -> dict[str, Any]:
    """Return the body, or raise the 400 whose `errors` name the fields (its words: unverified)."""
    if not isinstance(body, dict):
        raise Refusal(400, "Bad request")
    errors = {name: f"{name} is required" for name in REQUIRED if not body.get(name)}
    if body.get("event_action") not in (None, *ACTIONS):
        errors["event_action"] = f"event_action must be one of {', '.join(ACTIONS)}"
    if body.get("event_object") not in (None, *OBJECTS):
        errors["event_object"] = f"event_object must be one of {', '.join(OBJECTS)}"
    url = body.get("subscription_url")
    if url and not (isinstance(url, str) and url.startswith(("https://", "http://"))):
        errors["subscription_url"] = "subscription_url must be a URL"
    if str(body.get("version", "2.0")) != "2.0":
        errors["version"] = "only version 2.0 is simulated"
    if errors:
        raise Refusal(400, "Bad request", errors=errors)
    return body


def shown_webhook(row: Webhook, *, is_banned: bool = False) -> Webhook:
    """Return a webhook as the API shows it, with its password in clear text.

    That a banned one is not active is unverified.
    """
    shown = {name: value for name, value in row.items() if name not in INTERNAL}
    return shown | ({"is_active": 0} if is_banned else {})


def moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S.000Z}"
