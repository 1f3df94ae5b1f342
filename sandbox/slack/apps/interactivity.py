"""Slash commands and clicks: form-encoded, signed, answered within 3 seconds and never retried.

https://docs.slack.dev/interactivity/implementing-slash-commands and
https://docs.slack.dev/reference/interaction-payloads/block_actions-payload (2026-11).
"""

import json
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import urlencode

from sandbox.sending.deliveries import Attempt, Delivery
from sandbox.sending.http_client import TIMEOUT, OutgoingResponse
from sandbox.slack.accounts import Team
from sandbox.slack.apps.configuration import SlackApp, find_app
from sandbox.slack.apps.response_urls import ResponseUrl, ResponseUrls
from sandbox.slack.apps.signing import FORM, ONCE, signed_message
from sandbox.slack.apps.subscriptions import token_of
from sandbox.slack.messages import Refused
from sandbox.storage.account_store import AccountStore

COMMANDS = "commands"  # the scope that slash commands need


@dataclass(frozen=True)
class Person:
    """Who types or clicks, where, and in which thread."""

    team: Team
    channel: dict[str, Any]
    user: dict[str, Any]
    at: float
    base: str  # our own address
    thread: str = ""


class Interactivity:
    def __init__(self, store: AccountStore, urls: ResponseUrls, random: Random):
        self._store = store
        self._urls = urls
        self._random = random

    def command(self, person: Person, command: str, text: str) -> Delivery:
        """Raises ValueError with a sentence where the app has no such command here."""
        team, app = person.team, find_app(self._store, person.team)
        url = app.command_url(command)
        if not url:
            raise ValueError(f"{command} is not a valid command")
        if COMMANDS not in team.scopes.split(","):
            raise ValueError(f"the app was not granted {COMMANDS} in {team.team}")
        answer = self._answer_place(person)
        fields = {
            "token": token_of(app),
            "team_id": team.team,
            "team_domain": team.domain or team.team.lower(),
            "channel_id": person.channel["id"],
            "channel_name": person.channel["name"],
            "user_id": person.user["id"],
            "user_name": person.user["name"],
            "command": command,
            "text": text,
            "api_app_id": app.app_id,
            "is_enterprise_install": "false",
            "response_url": self._urls.issue("commands", answer, person.base),
            "trigger_id": self._trigger(team),
        }
        return self._delivery(app, person, command, url, fields, answer)

    def click(self, person: Person, message: dict[str, Any], action: dict[str, Any]) -> Delivery:
        """`action` is the element of the message that was clicked.

        Raises ValueError with a sentence where the app has no interactivity URL.
        """
        team, app = person.team, find_app(self._store, person.team)
        if not app.interactivity_url:
            raise ValueError(f"the app {app.app_id} has no interactivity URL")
        answer = self._answer_place(person, message["ts"])
        payload: dict[str, Any] = {
            "type": "block_actions",
            "user": {
                "id": person.user["id"],
                "username": person.user["name"],
                "name": person.user["name"],
                "team_id": team.team,
            },
            "api_app_id": app.app_id,
            "token": token_of(app),
            "container": {
                "type": "message",
                "message_ts": message["ts"],
                "channel_id": person.channel["id"],
                "is_ephemeral": "only_for" in message,
            },
            "trigger_id": self._trigger(team),
            "team": {"id": team.team, "domain": team.domain or team.team.lower()},
            "enterprise": None,
            "is_enterprise_install": False,
            "channel": {"id": person.channel["id"], "name": person.channel["name"]},
            "message": message,
            "state": {"values": {}},
            "response_url": self._urls.issue("actions", answer, person.base),
            "actions": [action | {"action_ts": f"{person.at:.6f}"}],
        }
        fields = {"payload": json.dumps(payload)}
        return self._delivery(app, person, "block_actions", app.interactivity_url, fields, answer)

    def _delivery(
        self,
        app: SlackApp,
        person: Person,
        event: str,
        url: str,
        fields: dict[str, str],
        answer: ResponseUrl,
    ) -> Delivery:
        body = urlencode(fields).encode()

        def record(attempt: Attempt, response: OutgoingResponse, is_good: bool) -> None:
            self._show_answer(person, event, answer, response, is_good)

        return Delivery(
            system="slack",
            account=person.team.team,
            event=event if event == "block_actions" else "slash_command",
            id=fields.get("trigger_id", event),
            url=url,
            rules=ONCE,
            build=lambda attempt: signed_message(app.signing_secret, body, FORM, attempt),
            record=record,
        )

    def _show_answer(
        self,
        person: Person,
        event: str,
        answer: ResponseUrl,
        response: OutgoingResponse,
        is_good: bool,
    ) -> None:
        """Show the body of the acknowledgement as a message; show a failure to the person."""
        message = parse_answer(response)
        if not is_good:
            error = "operation_timeout" if response.failure == TIMEOUT else "dispatch_failed"
            message = {"text": f"{event} failed with the error “{error}”"}
        if not message or (is_good and event == "block_actions"):
            return
        try:
            self._urls.post(answer, message, person.at)
        except Refused:
            return  # Slack shows nothing for what is no message

    def _answer_place(self, person: Person, message: str = "") -> ResponseUrl:
        return ResponseUrl(
            team=person.team.team,
            channel=person.channel["id"],
            user=person.user["id"],
            at=person.at,
            message=message,
            thread=person.thread,
        )

    def _trigger(self, team: Team) -> str:
        number = self._random.getrandbits(40)
        return f"{number}.{team.team[1:]}.{self._random.getrandbits(128):032x}"


def parse_answer(response: OutgoingResponse) -> dict[str, Any]:
    """Return the message of a JSON or text body; empty where there is none."""
    text = response.body.decode("utf-8", "replace").strip()
    if not text:
        return {}
    try:
        body = json.loads(text)
    except ValueError:
        return {"text": text}
    return body if isinstance(body, dict) else {}
