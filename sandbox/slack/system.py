"""The Web API as a whole: arguments in, token, limits, method, and Slack's manner of answering 200 to nearly all."""

import base64
import json
import math
from pathlib import Path
from random import Random
from typing import Any

from sandbox.accounts import Team
from sandbox.consent import Place
from sandbox.grants import Codes
from sandbox.pace import Rate
from sandbox.slack.messages import Refused
from sandbox.slack.methods import METHODS, SPECIAL, Asked
from sandbox.slack.rooms import Rooms
from sandbox.slack.tokens import Tokens
from sandbox.wire import Answer, Call, System
from sandbox.world import World

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
WORDS = {429: "ratelimited", 500: "internal_error", 502: "service_unavailable", 503: "service_unavailable"}


class Limited(Exception):
    def __init__(self, wait: float):
        super().__init__(wait)
        self.wait = wait


class Slack(System):
    key = "slack"
    addresses = (("/slack/api", "/{method:.*}"),)

    def __init__(self, world: World, state: Path, random: Random):
        self.world = world
        self.rooms = Rooms(state)
        self.tokens = Tokens(world, state, random)
        self.codes = Codes(random)
        self._rate = Rate()

    def learn(self, at: float) -> None:
        self.tokens.learn(at)

    def account(self, call: Call) -> str:
        if method_of(call) == "oauth.v2.access":
            return self._account_of_exchange(call)
        team, _ = self.tokens.holder(token(call), call.at)
        return team.team if team else ""

    def ids(self, call: Call) -> list[str]:
        given = arguments(call).get("metadata") if method_of(call).startswith("chat.") else None
        try:
            given = json.loads(given) if isinstance(given, str) else given
            return [str(given["event_payload"]["id"])]
        except (ValueError, TypeError, KeyError):
            return []

    def refusal(self, status: int) -> Any:
        return {"ok": False, "error": WORDS.get(status, "fatal_error")}

    def answer(self, call: Call) -> Answer:
        try:
            return said(call, self._called(call), self._scopes(call))
        except Refused as refused:
            return said(call, {"ok": False, "error": refused.error, **refused.more}, self._scopes(call))
        except Limited as limited:
            after = {"Retry-After": str(max(1, math.ceil(limited.wait)))}
            return Answer(429, self.refusal(429), after)

    def consent(self) -> Place:
        return Place("slack", "Slack", "/slack/oauth/v2", {"error": "access_denied"}, self._teams_of)

    def close(self) -> None:
        self.rooms.close()
        self.tokens.close()

    def _teams_of(self, client: str) -> list[tuple[str, str]]:
        teams = self.world.slack.values()
        return [(team.team, team.title) for team in teams if client and team.client_id == client and not team.revoked]

    def _called(self, call: Call) -> dict[str, Any]:
        name = method_of(call)
        if name == "oauth.v2.access":
            return {"ok": True, **self._exchanged(call)}
        if name not in METHODS and name != "auth.revoke":
            raise Refused("unknown_method", req_method=name)
        team, wrong = self.tokens.holder(token(call), call.at)
        if wrong or team is None:
            raise Refused(wrong)
        self._pace(team, name, METHODS[name].per_minute if name in METHODS else SPECIAL, call.at)
        given = checked_arguments(call)
        if name == "auth.revoke":
            return {"ok": True, "revoked": self._revoked(call, given)}
        needed = METHODS[name].scope
        if needed and needed not in team.scopes.split(","):
            raise Refused("missing_scope", needed=needed, provided=team.scopes)
        asked = Asked(team, given, self.rooms, call.at, lambda channel: self._pace_channel(team, channel, call.at))
        return {"ok": True, **METHODS[name].does(asked)}

    def _pace(self, team: Team, name: str, per_minute: int, at: float) -> None:
        allowed = team.limits.get(name, per_minute)
        if wait := self._rate.wait((team.team, name), at, per_second=allowed / 60, burst=allowed):
            raise Limited(wait)

    def _pace_channel(self, team: Team, channel: str, at: float) -> None:
        speed, burst = team.limits.get("channel_per_second", 1), team.limits.get("channel_burst", 10)
        if wait := self._rate.wait((team.team, "channel", channel), at, per_second=speed, burst=burst):
            raise Limited(wait)

    def _revoked(self, call: Call, given: dict[str, Any]) -> bool:
        if given.get("test") not in ("1", 1, True, "true"):
            self.tokens.revoke(token(call))
            return True
        return False

    def _exchanged(self, call: Call) -> dict[str, Any]:
        given = arguments(call)
        client, secret = client_of(call, given)
        apps = {team.client_id: team.client_secret for team in self.world.slack.values() if team.client_id}
        if client not in apps:
            raise Refused("invalid_client_id")
        if secret != apps[client]:
            raise Refused("bad_client_secret")
        granted = {"refresh_token": self._refreshed, "authorization_code": self._redeemed}
        if (kind := given.get("grant_type", "authorization_code")) not in granted:
            raise Refused("invalid_grant_type")
        team = granted[kind](given, client, call.at)
        return token_response(team, self.tokens.issue(team, call.at))

    def _refreshed(self, given: dict[str, Any], client: str, at: float) -> Team:
        team = self.tokens.refresh(str(given.get("refresh_token")), at)
        if team is None or team.client_id != client:
            raise Refused("invalid_refresh_token")
        return team

    def _redeemed(self, given: dict[str, Any], client: str, at: float) -> Team:
        grant = self.codes.redeem(str(given.get("code")), at)
        team = self.world.slack.get(grant.account) if grant else None
        if grant is None or team is None or team.client_id != client:
            raise Refused("invalid_code")
        if grant.redirect_uri != given.get("redirect_uri", ""):
            raise Refused("bad_redirect_uri")
        return team

    def _account_of_exchange(self, call: Call) -> str:
        given = arguments(call)
        grant = self.codes.known(str(given.get("code")))
        return grant.account if grant else self.tokens.team_of_refresh(str(given.get("refresh_token")))

    def _scopes(self, call: Call) -> str | None:
        team, wrong = self.tokens.holder(token(call), call.at)
        return team.scopes if team and not wrong else None


def token_response(team: Team, tokens: dict[str, Any]) -> dict[str, Any]:
    return {
        **tokens, "token_type": "bot", "scope": team.scopes, "bot_user_id": team.bot_user, "app_id": team.app_id,
        "team": {"name": team.title, "id": team.team}, "enterprise": None, "is_enterprise_install": False,
        "authed_user": {"id": team.users[0]["id"] if team.users else "U0000000ONE"},
    }  # fmt: skip


def said(call: Call, body: dict[str, Any], scopes: str | None) -> Answer:
    kind = call.headers.get("Content-Type", "").lower()
    if body["ok"] and call.body and kind.startswith(JSON) and "charset" not in kind:
        body = {**body, "warning": body.get("warning", "missing_charset")}
        warnings = body.get("response_metadata", {}).get("warnings", [])
        body["response_metadata"] = {**body.get("response_metadata", {}), "warnings": [*warnings, "missing_charset"]}
    return Answer(200, body, {"x-oauth-scopes": scopes} if scopes is not None else {})


def method_of(call: Call) -> str:
    return call.path.strip("/")


def token(call: Call) -> str:
    given = call.credential("Bearer")
    is_form = call.headers.get("Content-Type", "").startswith(FORM)
    return given or (call.form().get("token", "") if is_form else "")


def arguments(call: Call) -> dict[str, Any]:
    """Of the query and the body together; an unreadable body counts as none."""
    try:
        return checked_arguments(call)
    except Refused:
        return dict(call.query)


def checked_arguments(call: Call) -> dict[str, Any]:
    kind = call.headers.get("Content-Type", "").lower()
    if not call.body:
        return dict(call.query)
    if kind.startswith(JSON):
        given = call.json()
        if given is None:
            raise Refused("invalid_json")
        if not isinstance(given, dict):
            raise Refused("json_not_object")
        return {**call.query, **given}
    if kind.startswith(FORM):
        return {**call.query, **call.form()}
    raise Refused("invalid_post_type" if kind else "missing_post_type")


def client_of(call: Call, given: dict[str, Any]) -> tuple[str, str]:
    try:
        client, _, secret = base64.b64decode(call.credential("Basic"), validate=True).decode().partition(":")
    except ValueError:
        client = secret = ""
    return client or str(given.get("client_id", "")), secret or str(given.get("client_secret", ""))
