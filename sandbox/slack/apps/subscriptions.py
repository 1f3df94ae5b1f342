"""The event subscriptions of an app: its Request URL is verified first, and failures disable
them.
"""

import hmac
import json
from collections import defaultdict, deque
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs

from sandbox.sending.deliveries import Attempt, Delivery, SendingRules, SignedMessage
from sandbox.sending.http_client import OutgoingResponse
from sandbox.sending.pace import Pace
from sandbox.slack.accounts import Team
from sandbox.slack.apps.configuration import SlackApp
from sandbox.slack.apps.signing import EVENT_RULES, JSON, SECONDS, signed_message
from sandbox.storage.journal import JournaledDict

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
WINDOW = 3600  # seconds of the schedule
EXEMPT = 1000  # attempts in the window below which nothing is disabled
FAILURES = 0.95
VERIFICATION = "url_verification"


class EventSubscriptions:
    """Whose Request URL is verified, and whose subscriptions are disabled; kept over restarts."""

    def __init__(self, state: Path, random: Random, pace: Pace):
        self._random = random
        self._pace = pace
        self._verified = JournaledDict(state / "slack-request-urls.jsonl")  # URL by app
        self._disabled = JournaledDict(state / "slack-disabled-apps.jsonl")
        self._attempts: dict[str, deque[tuple[float, bool]]] = defaultdict(deque)
        self._challenged: dict[str, str] = {}  # the newest Request URL by app

    def is_verified(self, app: SlackApp) -> bool:
        return bool(app.request_url) and self._verified.get(app.app_id) == app.request_url

    def take_unchallenged(self, apps: Iterable[SlackApp]) -> list[SlackApp]:
        """Return those whose Request URL is new, each once."""
        new = [
            app
            for app in apps
            if app.request_url
            and app.signing_secret
            and not self.is_verified(app)
            and self._challenged.get(app.app_id) != app.request_url
        ]
        self._challenged |= {app.app_id: app.request_url for app in new}
        return new

    def is_disabled(self, app: SlackApp) -> bool:
        return app.app_id in self._disabled

    def enable(self, app: SlackApp) -> None:
        """Subscribe again, as a person does in the app's settings."""
        self._attempts.pop(app.app_id, None)
        if app.app_id in self._disabled:
            del self._disabled[app.app_id]

    def handshake(self, app: SlackApp, account: str = "") -> Delivery:
        """The challenge that the Request URL has to answer before it gets events."""
        challenge = self.letters(52)
        body = {"token": token_of(app), "challenge": challenge, "type": VERIFICATION}

        def record(attempt: Attempt, response: OutgoingResponse, is_good: bool) -> None:
            if is_good:
                self._verified[app.app_id] = app.request_url

        return Delivery(
            system="slack",
            account=account,
            event=VERIFICATION,
            id=challenge,
            url=app.request_url,
            rules=SendingRules(
                SECONDS, is_acknowledged=lambda response: echoes(response, challenge)
            ),
            build=lambda attempt: signed_json(app, body, attempt),
            record=record,
        )

    def delivery(self, app: SlackApp, team: Team, event: dict[str, Any], at: float) -> Delivery:
        """Wrap an event in its envelope; `event["type"]` names it."""
        envelope = self._envelope(app, team, event, at)
        name = f"{event['type']}.im" if event["type"] == "message" else str(event["type"])
        return Delivery(
            system="slack",
            account=team.team,
            event=name,
            id=envelope["event_id"],
            url=app.request_url,
            rules=EVENT_RULES,
            build=lambda attempt: signed_json(app, envelope, attempt),
            is_wanted=lambda: self.is_verified(app) and not self.is_disabled(app),
            record=lambda attempt, response, is_good: self._count(app, is_good),
            first=None if self.is_verified(app) else self.handshake(app, team.team),
        )

    def letters(self, count: int) -> str:
        return "".join(self._random.choice(LETTERS) for _ in range(count))

    def close(self) -> None:
        self._verified.close()
        self._disabled.close()

    def _envelope(
        self, app: SlackApp, team: Team, event: dict[str, Any], at: float
    ) -> dict[str, Any]:
        authorization = {
            "enterprise_id": None,
            "team_id": team.team,
            "user_id": team.bot_user,
            "is_bot": True,
            "is_enterprise_install": False,
        }
        return {
            "token": token_of(app),
            "team_id": team.team,
            "context_team_id": team.team,
            "context_enterprise_id": None,
            "api_app_id": app.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{self.letters(9)}",
            "event_time": int(at),
            "authorizations": [authorization],
            "is_ext_shared_channel": False,
            "event_context": f"4-{self.letters(40)}",
        }

    def _count(self, app: SlackApp, is_good: bool) -> None:
        """Disable the app when more than 95 % of at least 1,000 attempts in 60 minutes failed."""
        now = self._pace.now("slack")
        attempts = self._attempts[app.app_id]
        attempts.append((now, is_good))
        while attempts[0][0] <= now - WINDOW:
            attempts.popleft()
        failures = sum(not good for _, good in attempts)
        if len(attempts) >= EXEMPT and failures > FAILURES * len(attempts):
            self._disabled[app.app_id] = now


def signed_json(app: SlackApp, body: dict[str, Any], attempt: Attempt) -> SignedMessage:
    return signed_message(app.signing_secret, json.dumps(body).encode(), JSON, attempt)


def token_of(app: SlackApp) -> str:
    """Return the deprecated verification token, which is still sent and proves nothing."""
    return f"Vt{app.app_id[1:]}"


def echoes(response: OutgoingResponse, challenge: str) -> bool:
    """Whether a 200 answers the challenge as plain text, as a form or as JSON."""
    text = response.body.decode("utf-8", "replace").strip()
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    in_json = parsed.get("challenge") if isinstance(parsed, dict) else None
    in_form = parse_qs(text).get("challenge", [""])[0]
    answers = [text, in_form, in_json if isinstance(in_json, str) else ""]
    return response.status == 200 and any(
        hmac.compare_digest(answer.encode(), challenge.encode()) for answer in answers
    )
