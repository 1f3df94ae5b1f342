"""Slack's tokens: one lasting bot token, or rotation with two access tokens at most and refresh tokens used once."""

from pathlib import Path
from random import Random
from typing import Any

from sandbox.accounts import Team
from sandbox.shelf import Shelf
from sandbox.world import World

GRACE = 60  # seconds that a used refresh token still works: "a short grace period", the docs say
ACTIVE = 2  # access tokens of a rotating app that live at the same time


class Tokens:
    def __init__(self, world: World, state: Path, random: Random):
        self._world = world
        self._random = random
        self._access = Shelf(state / "slack-access.jsonl")  # of rotating apps only
        self._refresh = Shelf(state / "slack-refresh.jsonl")
        self._revoked = Shelf(state / "slack-revoked.jsonl")

    def learn(self, at: float) -> None:
        for team in self._world.slack.values():
            if team.rotates:
                self._access.setdefault(team.token, {"team": team.team, "at": at})
                self._refresh.setdefault(team.refresh_token, {"team": team.team, "used_at": None})

    def holder(self, token: str, at: float) -> tuple[Team | None, str]:
        """Whose token it is, and Slack's word for what is wrong with it (empty: nothing)."""
        if not token:
            return None, "not_authed"
        team = self._team_of(token)
        if team is None:
            return None, "invalid_auth"
        if team.revoked or token in self._revoked or (team.rotates and token not in self._active(team)):
            return team, "token_revoked"
        if team.rotates and at >= self._access[token]["at"] + team.expires_in:
            return team, "token_expired"
        return team, ""

    def revoke(self, token: str) -> None:
        self._revoked[token] = True

    def refresh(self, refresh_token: str, at: float) -> Team | None:
        """The team whose refresh token it is, if it still works; it is used up by this."""
        known = self._refresh.get(refresh_token)
        team = known and self._world.slack.get(known["team"])
        if not team or team.revoked or (known["used_at"] is not None and at > known["used_at"] + GRACE):
            return None
        if known["used_at"] is None:
            self._refresh[refresh_token] = known | {"used_at": at}
        return team

    def team_of_refresh(self, refresh_token: str) -> str:
        return self._refresh.get(refresh_token, {}).get("team", "")

    def issue(self, team: Team, at: float) -> dict[str, Any]:
        """The part of a token response that carries tokens."""
        if not team.rotates:
            self._revoked.pop(team.token, None)
            return {"access_token": team.token}
        access, refresh = (prefix + self._letters() for prefix in ("xoxe.xoxb-1-", "xoxe-1-"))
        self._access[access] = {"team": team.team, "at": at}
        self._refresh[refresh] = {"team": team.team, "used_at": None}
        return {"access_token": access, "expires_in": team.expires_in, "refresh_token": refresh}

    def close(self) -> None:
        for shelf in (self._access, self._refresh, self._revoked):
            shelf.close()

    def _team_of(self, token: str) -> Team | None:
        if token in self._access:
            return self._world.slack.get(self._access[token]["team"])
        return next((team for team in self._world.slack.values() if team.token == token), None)

    def _active(self, team: Team) -> list[str]:
        return [token for token, issued in self._access.items() if issued["team"] == team.team][-ACTIVE:]

    def _letters(self) -> str:
        return f"{self._random.getrandbits(192):048x}"
