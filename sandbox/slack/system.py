"""The Web API as a whole: token, limits, method, and Slack's manner of answering 200 to nearly
all.
"""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any, get_args, get_type_hints

from sandbox.oauth.consent import ConsentPage
from sandbox.rate_limits import RateLimiter
from sandbox.sending.deliveries import Delivery
from sandbox.sending.sender import Sender
from sandbox.slack.accounts import TEAMS, Team
from sandbox.slack.apps.configuration import APPS
from sandbox.slack.apps.event_source import SlackEvents
from sandbox.slack.apps.interactivity import Interactivity
from sandbox.slack.apps.response_urls import ROOT, ResponseUrls
from sandbox.slack.apps.subscriptions import EventSubscriptions
from sandbox.slack.file_book import ROOT as UPLOADS
from sandbox.slack.file_book import FileBook
from sandbox.slack.messages import Refused
from sandbox.slack.oauth.login import Login
from sandbox.slack.oauth.tokens import Tokens
from sandbox.slack.planted_users import TEMPLATE
from sandbox.slack.rooms import Rooms
from sandbox.slack.web_api.arguments import JSON, arguments, checked_arguments, method_of, token
from sandbox.slack.web_api.conversation_methods import CONVERSATION_METHODS
from sandbox.slack.web_api.file_methods import FILE_METHODS, check_shown_files
from sandbox.slack.web_api.methods import METHODS, SPECIAL, TIER_1, MethodRequest
from sandbox.storage.account_store import AccountStore
from sandbox.system import ApiRequest, ApiResponse, System

EXCHANGE = "oauth.v2.access"
ALL_METHODS = METHODS | CONVERSATION_METHODS | FILE_METHODS
SHOW_FILES = ("chat.postMessage", "chat.update")
ENDINGS = {"auth.revoke": SPECIAL, "apps.uninstall": TIER_1}
WORDS = {
    429: "ratelimited",
    500: "internal_error",
    502: "service_unavailable",
    503: "service_unavailable",
}


class Limited(Exception):
    def __init__(self, wait: float):
        super().__init__(wait)
        self.wait = wait


class Slack(System):
    key = "slack"
    addresses = (
        ("/slack/api", "/{method:.*}"),
        (ROOT, "/{kind:commands|actions}/{rest:.*}"),
        (UPLOADS, "/v1/{ticket}"),
    )
    approvals = get_args(get_type_hints(Team)["approval"])

    def __init__(self, store: AccountStore, state: Path, random: Random, sender: Sender):
        self.store = store
        self.rooms = Rooms(state)
        self.files = FileBook(state, random)
        self._tokens = Tokens(store, state, random)
        self._login = Login(store, self._tokens, random)
        self.codes = self._login.codes
        self._rate = RateLimiter()
        self._sender = sender
        self._response_urls = ResponseUrls(store, self.rooms, random)
        interactivity = Interactivity(store, self._response_urls, random)
        subscriptions = EventSubscriptions(state, random, sender.pace)
        self.events = SlackEvents(
            store, self.rooms, subscriptions, interactivity, self.granted, random
        )

    def granted(self, team: Team) -> Team:
        """The workspace with the scopes that its bot has now."""
        return self._tokens.of(team).team

    def verify_request_urls(self) -> None:
        """Send the challenge to each new Request URL."""
        subscriptions = self.events.subscriptions
        apps = subscriptions.take_unchallenged(self.store[APPS].values())
        self.start(subscriptions.handshake(app) for app in apps)

    def start(self, deliveries: Iterable[Delivery]) -> None:
        for delivery in deliveries:
            self._sender.start(delivery)

    def load_accounts(self, at: float) -> None:
        self._tokens.load_accounts(at)

    def account(self, call: ApiRequest) -> str:
        if call.url.startswith(ROOT):
            return self._response_urls.account(call)
        if call.url.startswith(UPLOADS):
            return self.files.account(call)
        if method_of(call) == EXCHANGE:
            return self._login.account(call)
        holder, _ = self._tokens.holder(token(call), call.at)
        return holder.team.team if holder else ""

    def ids(self, call: ApiRequest) -> list[str]:
        metadata = arguments(call).get("metadata") if method_of(call).startswith("chat.") else None
        try:
            metadata = json.loads(metadata) if isinstance(metadata, str) else metadata
            return [str(metadata["event_payload"]["id"])] if metadata else []
        except (ValueError, TypeError, KeyError):
            return []

    def refusal(self, status: int) -> Any:
        return {"ok": False, "error": WORDS.get(status, "fatal_error")}

    def answer(self, call: ApiRequest) -> ApiResponse:
        if call.url.startswith(ROOT):
            return self._response_urls.answer(call)
        if call.url.startswith(UPLOADS):
            return self.files.receive(call)
        try:
            return build_json_response(call, self._called(call), self._scopes(call))
        except Refused as refused:
            return build_json_response(
                call, {"ok": False, "error": refused.error, **refused.more}, self._scopes(call)
            )
        except Limited as limited:
            after = {"Retry-After": str(max(1, math.ceil(limited.wait)))}
            return ApiResponse(429, self.refusal(429), after)

    def consent(self) -> ConsentPage:
        return self._login.place()

    def oauth_accounts(self) -> list[tuple[str, str, str]]:
        return [
            (team.team, team.title, team.approval)
            for team in self.store[TEAMS].values()
            if team.client_id
        ]

    def tokens(self, at: float) -> Iterator[dict[str, Any]]:
        return self._tokens.listed(at)

    def end(self, account: str, do: str, kind: str, at: float) -> None:
        users = self._list_active_tokens(account, kind, at)
        self._login.ended(account, do, kind, at)
        if do != "expire" and users:
            uninstalled = do == "uninstall"
            self.start(self.events.endings(account, users, at, uninstalled=uninstalled))

    def seed(
        self, account: str, object: str, rows: Iterable[dict[str, Any]], at: float
    ) -> list[str]:
        return self.rooms.planted_users.plant(self._planting_team(account, object), rows)

    def seed_template(self, account: str, object: str) -> dict[str, Any]:
        return TEMPLATE

    def list_records(self, account: str, object: str) -> Iterator[dict[str, Any]]:
        yield from self.rooms.users(self._planting_team(account, object))

    def _planting_team(self, account: str, object: str) -> Team:
        """Raises ValueError with a sentence."""
        if account not in self.store[TEAMS]:
            raise ValueError("account is the id of a workspace of this world")
        if object != "users":
            raise ValueError("object is users")
        return self.store[TEAMS][account]

    def close(self) -> None:
        self.rooms.close()
        self.files.close()
        self._tokens.close()
        self.events.subscriptions.close()

    def _called(self, call: ApiRequest) -> dict[str, Any]:
        name = method_of(call)
        if name == EXCHANGE:
            return {"ok": True, **self._login.exchange_code(call)}
        if name not in ALL_METHODS and name not in ENDINGS:
            raise Refused("unknown_method", req_method=name)
        holder, wrong = self._tokens.holder(token(call), call.at)
        if wrong or holder is None:
            raise Refused(wrong)
        team = holder.team
        self._pace(
            team,
            name,
            ALL_METHODS[name].per_minute if name in ALL_METHODS else ENDINGS[name],
            call.at,
        )
        parameters = checked_arguments(call)
        if name in ENDINGS:
            return {"ok": True, **self._ended(call, parameters, team)}
        needed = ALL_METHODS[name].scope
        if needed and needed not in team.scopes.split(","):
            raise Refused("missing_scope", needed=needed, provided=team.scopes)
        request = MethodRequest(
            team,
            parameters,
            self.rooms,
            call.at,
            lambda channel: self._pace_channel(team, channel, call.at),
            self.files,
            call.base,
            holder.user,
        )
        if name in SHOW_FILES:
            check_shown_files(request)
        result = ALL_METHODS[name].does(request)
        if name == "chat.postMessage" and (channel := self.rooms.channel(team, result["channel"])):
            granted = self.granted(self.store[TEAMS][team.team])
            self.start(self.events.people.deliver_app_message(granted, channel, result["message"]))
        return {"ok": True, **result}

    def _ended(self, call: ApiRequest, parameters: dict[str, Any], team: Team) -> dict[str, Any]:
        before = self._list_active_tokens(team.team, "", call.at)
        uninstalled = method_of(call) == "apps.uninstall"
        answer: dict[str, Any] = {}
        if uninstalled:
            self._login.uninstalled(call, parameters, team)
        else:
            answer = {"revoked": self._login.revoked(call, parameters)}
        after = self._list_active_tokens(team.team, "", call.at)
        if removed_users := [user for user in before if user not in after]:
            self.start(
                self.events.endings(team.team, removed_users, call.at, uninstalled=uninstalled)
            )
        return answer

    def _list_active_tokens(self, account: str, kind: str, at: float) -> list[str]:
        """Whose access tokens are alive: the users, "" for the bot; `kind` may name one of both."""
        team = self.store[TEAMS].get(account)
        users = self._tokens.list_active_tokens(team, at) if team else []
        return [user for user in users if kind in ("", "user" if user else "bot")]

    def _pace(self, team: Team, name: str, per_minute: int, at: float) -> None:
        allowed = team.limits.get(name, per_minute)
        if wait := self._rate.wait((team.team, name), at, per_second=allowed / 60, burst=allowed):
            raise Limited(wait)

    def _pace_channel(self, team: Team, channel: str, at: float) -> None:
        speed, burst = (
            team.limits.get("channel_per_second", 1),
            team.limits.get("channel_burst", 10),
        )
        if wait := self._rate.wait(
            (team.team, "channel", channel), at, per_second=speed, burst=burst
        ):
            raise Limited(wait)

    def _scopes(self, call: ApiRequest) -> str | None:
        holder, wrong = self._tokens.holder(token(call), call.at)
        return holder.team.scopes if holder and not wrong else None


def build_json_response(call: ApiRequest, body: dict[str, Any], scopes: str | None) -> ApiResponse:
    kind = call.headers.get("Content-Type", "").lower()
    if body["ok"] and call.body and kind.startswith(JSON) and "charset" not in kind:
        body = {**body, "warning": body.get("warning", "missing_charset")}
        warnings = body.get("response_metadata", {}).get("warnings", [])
        body["response_metadata"] = {
            **body.get("response_metadata", {}),
            "warnings": [*warnings, "missing_charset"],
        }
    return ApiResponse(200, body, {"x-oauth-scopes": scopes} if scopes is not None else {})
