"""What an org has granted: sessions that end without notice, refresh tokens that stay or rotate."""

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from sandbox.salesforce.accounts import ORGS, Org
from sandbox.storage.account_store import AccountStore
from sandbox.storage.journal import JournaledDict

APPROVALS = 5  # of one person for one app: the next ends the oldest
OFFLINE = {"refresh_token", "offline_access"}
API = {"api", "full"}


class Approval(NamedTuple):
    """What a person granted once: a session and its refresh token belong to one."""

    org: Org
    id: str
    scopes: tuple[str, ...]


class Sessions:
    def __init__(self, store: AccountStore, state: Path, random: Random):
        self._store = store
        self._random = random
        self._access = JournaledDict(state / "salesforce-access.jsonl", keep=10_000)
        self._refresh = JournaledDict(state / "salesforce-refresh.jsonl")

    def load_accounts(self, at: float) -> None:
        for org in self._store[ORGS].values():
            first = self._row(self.first_approval(org), at)
            if org.access_token:
                self._access.setdefault(org.access_token, first)
            if org.refresh_token:
                self._refresh.setdefault(org.refresh_token, first | {"live": True})

    def first_approval(self, org: Org) -> Approval:
        return Approval(org, "", tuple(org.scopes.split()))

    def session(self, token: str, at: float) -> Approval | None:
        """Return the approval of a valid session."""
        row = self._access.get(token)
        approval = self._approval(row)
        return (
            approval if row and approval and at < row["at"] + approval.org.session_timeout else None
        )

    def owner(self, refresh_token: str) -> Approval | None:
        """Return the approval of a refresh token, if the token is valid."""
        row = self._refresh.get(refresh_token)
        return self._approval(row) if row and row["live"] else None

    def approve(self, org: Org, scopes: tuple[str, ...], at: float) -> tuple[Approval, str]:
        """Create an approval and its refresh token; the token is empty if offline access was not
        granted.
        """
        approval = Approval(org, self._letters()[:12], scopes)
        if not OFFLINE.intersection(scopes):
            return approval, ""
        living = [
            token for token, row in self._refresh.items() if row["org"] == org.org and row["live"]
        ]
        for token in living[: max(0, len(living) + 1 - APPROVALS)]:
            self.revoke(token)
        return approval, self.new_refresh(approval, at)

    def start(self, approval: Approval, at: float) -> str:
        token = f"{approval.org.org[:15]}!{self._letters()}"
        self._access[token] = self._row(approval, at)
        return token

    def rotate(self, approval: Approval, used: str, at: float) -> str:
        self._refresh[used] = self._refresh[used] | {"live": False}
        return self.new_refresh(approval, at)

    def new_refresh(self, approval: Approval, at: float) -> str:
        token = f"5Aep{self._letters()}"
        self._refresh[token] = self._row(approval, at) | {"live": True}
        return token

    def revoke(self, token: str) -> bool:
        """Revoke a session, or a refresh token with the sessions of its approval."""
        if token in self._access:
            del self._access[token]
            return True
        row = self._refresh.get(token)
        if not row or not row["live"]:
            return False
        self._refresh[token] = row | {"live": False}
        approval_key = row["org"], row.get("approval", "")
        self._forget(lambda row: (row["org"], row.get("approval", "")) == approval_key)
        return True

    def expire(self, org: Org) -> None:
        self._forget(lambda row: row["org"] == org.org)

    def end(self, org: Org) -> None:
        self.expire(org)
        for token, row in self._refresh.items():
            if row["org"] == org.org:
                self._refresh[token] = row | {"live": False}

    def listed(self, at: float) -> Iterator[dict[str, Any]]:
        for token, row in self._access.items():
            state = "alive" if self.session(token, at) else "INVALID_SESSION_ID"
            yield {
                "account": row["org"],
                "kind": "access",
                "token": token,
                "state": state,
                **describe_session(row),
            }
        for token, row in self._refresh.items():
            state = "alive" if self.owner(token) else "invalid_grant"
            yield {
                "account": row["org"],
                "kind": "refresh",
                "token": token,
                "state": state,
                **describe_session(row),
            }

    def close(self) -> None:
        self._access.close()
        self._refresh.close()

    def _approval(self, row: dict[str, Any] | None) -> Approval | None:
        org = row and self._store[ORGS].get(row["org"])
        if row is None or not org or org.revoked:
            return None
        return Approval(org, row.get("approval", ""), tuple(row.get("scopes", org.scopes).split()))

    def _row(self, approval: Approval, at: float) -> dict[str, Any]:
        return {
            "org": approval.org.org,
            "at": at,
            "approval": approval.id,
            "scopes": " ".join(approval.scopes),
        }

    def _forget(self, over: Callable[[dict[str, Any]], bool]) -> None:
        for token in [token for token, row in self._access.items() if over(row)]:
            del self._access[token]

    def _letters(self) -> str:
        return f"{self._random.getrandbits(256):064x}"


def describe_session(row: dict[str, Any]) -> dict[str, Any]:
    return {"at": row.get("at"), "scopes": row.get("scopes", "")}
