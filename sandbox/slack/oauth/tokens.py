"""Slack's tokens, the bot's and each user's: lasting, or rotating, with refresh tokens that are
used once.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from sandbox.slack.accounts import TEAMS, Team
from sandbox.storage.account_store import AccountStore
from sandbox.storage.journal import JournaledDict

GRACE = 60  # seconds that a used refresh token still works: "a short grace period", the docs say
ACTIVE = (
    2  # access tokens of a rotating app that live at the same time, for the bot and for each user
)
NEW = {"user": "", "wrong": "", "world": False}
REVOKED, GONE = "token_revoked", "account_inactive"


class Holder(NamedTuple):
    """Whose token it is; the team's scopes are those of this token."""

    team: Team
    user: str  # empty: the app's bot

    @property
    def key(self) -> str:
        return f"{self.team.team} {self.user}".strip()


class Tokens:
    def __init__(self, store: AccountStore, state: Path, random: Random):
        self._store = store
        self._random = random
        self._access = JournaledDict(state / "slack-access.jsonl")
        self._refresh = JournaledDict(state / "slack-refresh.jsonl")
        self._scopes = JournaledDict(
            state / "slack-scopes.jsonl"
        )  # by holder, once somebody consented or revoked

    def load_accounts(self, at: float) -> None:
        for team in self._store[TEAMS].values():
            self._learn(Holder(team, ""), team.token, team.refresh_token, at)
            self._learn(Holder(team, team.owner), team.user_token, team.user_refresh_token, at)

    def holder(self, token: str, at: float) -> tuple[Holder | None, str]:
        """Return the holder of a token, and Slack's error code for the token; "" if it is valid."""
        if not token:
            return None, "not_authed"
        holder = self._holder(self._access.get(token))
        if holder is None or self._is_removed_from_world(token):
            return None, "invalid_auth"
        return holder, self._find_token_problem(token, holder, at)

    def owner(self, refresh_token: str) -> Holder | None:
        return self._holder(self._refresh.get(refresh_token))

    def grant(self, holder: Holder, scopes: tuple[str, ...]) -> Holder:
        """Scopes add up."""
        granted = dict.fromkeys([*filter(None, holder.team.scopes.split(",")), *scopes])
        self._scopes[holder.key] = ",".join(granted)
        return self.of(holder.team, holder.user)

    def of(self, team: Team, user: str = "") -> Holder:
        first = (
            (team.user_scopes if team.user_token else "")
            if user
            else (team.scopes if team.token else "")
        )
        holder = Holder(team, user)
        return Holder(replace(team, scopes=self._scopes.get(holder.key, first)), user)

    def refresh(self, refresh_token: str, client: str, at: float) -> Holder | None:
        """Return the holder of a refresh token if the token is valid; using it consumes it."""
        holder = self.owner(refresh_token)
        if (
            holder is None
            or holder.team.client_id != client
            or self._find_refresh_problem(refresh_token, holder, at)
        ):
            return None
        row = self._refresh[refresh_token]
        if row["used_at"] is None:
            self._refresh[refresh_token] = row | {"used_at": at}
        return holder

    def issue(self, holder: Holder, at: float) -> dict[str, Any]:
        """The part of a token response that carries tokens."""
        if not holder.team.rotates:
            living = [
                token
                for token in self._of(self._access, holder)
                if not self._find_token_problem(token, holder, at)
            ]
            return {"access_token": living[-1] if living else self._new_access(holder, at)}
        return {
            "access_token": self._new_access(holder, at),
            "expires_in": holder.team.expires_in,
            "refresh_token": self._new_refresh(holder),
        }

    def revoke(self, token: str, at: float) -> None:
        """Revoke this token only, with rotation; otherwise the whole authorization."""
        holder, wrong = self.holder(token, at)
        if holder and not wrong:
            self._access[token] = self._access[token] | {"wrong": REVOKED}
            if not holder.team.rotates:
                self._scopes[holder.key] = ""

    def expire(self, team: Team, users: list[str], at: float) -> None:
        if not team.rotates:
            raise ValueError(
                f"the tokens of {team.team} do not expire: its app does not rotate them"
            )
        for holder in (Holder(team, user) for user in users):
            for token in self._of(self._access, holder):
                self._access[token] = self._access[token] | {"at": at - team.expires_in}

    def end(self, team: Team, users: list[str], word: str) -> None:
        """Invalidate all tokens, and forget what was granted."""
        for holder in (Holder(team, user) for user in users):
            for shelf in (self._access, self._refresh):
                for token in self._of(shelf, holder):
                    error = REVOKED if holder.user else word
                    shelf[token] = shelf[token] | {"wrong": shelf[token].get("wrong") or error}
            self._scopes[holder.key] = ""

    def users(self, team: Team) -> list[str]:
        """Of whom there are tokens: the bot, and people."""
        rows = [*self._access.values(), *self._refresh.values()]
        return list(
            dict.fromkeys(["", *(row.get("user", "") for row in rows if row["team"] == team.team)])
        )

    def listed(self, at: float) -> Iterator[dict[str, Any]]:
        kinds = (
            (self._access, ("bot", "user"), self._find_token_problem),
            (self._refresh, ("refresh", "user refresh"), self._find_refresh_problem),
        )
        for shelf, names, wrong in kinds:
            for token, row in shelf.items():
                if holder := self._holder(row):
                    state = wrong(token, holder, at) or (
                        "invalid_auth" if self._is_removed_from_world(token) else "alive"
                    )
                    kind = names[bool(holder.user)]
                    scopes = holder.team.scopes
                    yield {
                        "account": holder.team.team,
                        "kind": kind,
                        "token": token,
                        "state": state,
                        "at": row.get("at"),
                        "scopes": scopes,
                    }

    def list_active_tokens(self, team: Team, at: float) -> list[str]:
        """List the users with a valid access token; "" is the bot."""
        rows = (
            (row.get("user", ""), self.holder(token, at)[1])
            for token, row in self._access.items()
            if row["team"] == team.team
        )
        return list(dict.fromkeys(user for user, wrong in rows if not wrong))

    def close(self) -> None:
        for shelf in (self._access, self._refresh, self._scopes):
            shelf.close()

    def _learn(self, holder: Holder, token: str, refresh_token: str, at: float) -> None:
        row = {**NEW, "team": holder.team.team, "user": holder.user}
        if token and token not in self._access:
            self._access[token] = row | {"at": at, "world": True}
            self._scopes.pop(holder.key, None)
        if refresh_token:
            self._refresh.setdefault(refresh_token, row | {"used_at": None})

    def _holder(self, row: dict[str, Any] | None) -> Holder | None:
        team = row and self._store[TEAMS].get(row["team"])
        return self.of(team, row.get("user", "")) if row and team else None

    def _is_removed_from_world(self, token: str) -> bool:
        """Return whether the world defined this token earlier, and no longer does."""
        row = self._access.get(token) or {}
        team = self._store[TEAMS].get(row.get("team", ""))
        return bool(row.get("world") and team and token not in (team.token, team.user_token))

    def _find_token_problem(self, token: str, holder: Holder, at: float) -> str:
        row, team = self._access[token], holder.team
        if wrong := row.get("wrong"):
            return str(wrong)
        if team.revoked or (team.rotates and token not in self._of(self._access, holder)[-ACTIVE:]):
            return REVOKED
        return "token_expired" if team.rotates and at >= row["at"] + team.expires_in else ""

    def _find_refresh_problem(self, refresh_token: str, holder: Holder, at: float) -> str:
        row = self._refresh[refresh_token]
        used = row["used_at"] is not None and at > row["used_at"] + GRACE
        return "invalid_refresh_token" if used or row.get("wrong") or holder.team.revoked else ""

    def _of(self, shelf: JournaledDict, holder: Holder) -> list[str]:
        """Oldest first."""
        holder_key = holder.team.team, holder.user
        return [
            token
            for token, row in shelf.items()
            if (row["team"], row.get("user", "")) == holder_key
        ]

    def _new_access(self, holder: Holder, at: float) -> str:
        letter = "p" if holder.user else "b"
        token = (
            f"xoxe.xox{letter}-1-{self._letters()}"
            if holder.team.rotates
            else f"xox{letter}-{self._letters()}"
        )
        self._access[token] = {**NEW, "team": holder.team.team, "user": holder.user, "at": at}
        return token

    def _new_refresh(self, holder: Holder) -> str:
        token = f"xoxe-1-{self._letters()}"
        self._refresh[token] = {
            **NEW,
            "team": holder.team.team,
            "user": holder.user,
            "used_at": None,
        }
        return token

    def _letters(self) -> str:
        return f"{self._random.getrandbits(192):048x}"
