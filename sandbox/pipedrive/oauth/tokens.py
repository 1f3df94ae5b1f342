"""An installation's tokens: an access token for an hour, and a refresh token that is returned each
time and valid for 60 more days.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from sandbox.pipedrive.accounts import COMPANIES, Company
from sandbox.storage.account_store import AccountStore
from sandbox.storage.journal import JournaledDict

REFRESHABLE = 60 * 24 * 3600  # seconds without a refresh, and the refresh token is dead


class Tokens:
    def __init__(self, store: AccountStore, state: Path, random: Random):
        self._store = store
        self._random = random
        self._access = JournaledDict(state / "pipedrive-access.jsonl", keep=10_000)
        self._refresh = JournaledDict(state / "pipedrive-refresh.jsonl")
        self._uninstall_listeners: list[Callable[[str], None]] = []

    def load_accounts(self, at: float) -> None:
        for company in self._store[COMPANIES].values():
            first = {"company": company.company, "at": at}
            if company.access_token:
                self._access.setdefault(company.access_token, first)
            if company.refresh_token:
                self._refresh.setdefault(company.refresh_token, first | {"live": True})

    def holder(self, token: str, at: float) -> Company | None:
        """Return the company of a valid access token."""
        row = self._access.get(token)
        company = self._company(row)
        return company if row and company and at < row["at"] + company.expires_in else None

    def installed(self, refresh_token: str, at: float) -> Company | None:
        """Return the company of a valid refresh token."""
        row = self._refresh.get(refresh_token)
        return self._company(row) if row and row["live"] and at < row["at"] + REFRESHABLE else None

    def owner(self, token: str) -> str:
        """Return the company of a token of either kind, valid or not; empty if the token is
        unknown.
        """
        row = self._access.get(token) or self._refresh.get(token) or {}
        return str(row.get("company", ""))

    def install(self, company: Company, callback: str, at: float) -> str:
        token = f"{company.company}:{self._letters()}"
        row = {"company": company.company, "at": at, "live": True, "callback": callback}
        self._refresh[token] = row
        return token

    def callbacks(self, company: Company, at: float) -> list[str]:
        """Return the callback URLs of this company's active installations, each once."""
        registered = next(iter(company.redirect_urls), "")
        row = [
            row.get("callback") or registered
            for token, row in self._refresh.items()
            if row["company"] == company.company and self.installed(token, at)
        ]
        return list(dict.fromkeys(filter(None, row)))

    def issue(self, company: Company, refresh_token: str, at: float) -> str:
        """Issue an access token, and extend the validity of the refresh token."""
        token = f"v1u:{self._letters()}"
        self._access[token] = {"company": company.company, "at": at}
        self._refresh[refresh_token] = self._refresh[refresh_token] | {"at": at}
        return token

    def revoke(self, token: str) -> None:
        """Revoke an access token alone, or uninstall the app of a refresh token."""
        if token in self._access:
            del self._access[token]
        elif token in self._refresh:
            self.uninstall(self._refresh[token]["company"])

    def on_uninstall(self, listener: Callable[[str], None]) -> None:
        """Call the listener with the id of each company that uninstalls the app."""
        self._uninstall_listeners.append(listener)

    def uninstall(self, company: str) -> None:
        for listener in self._uninstall_listeners:
            listener(company)
        self.expire(company)
        for token, row in self._refresh.items():
            if row["company"] == company:
                self._refresh[token] = row | {"live": False}

    def expire(self, company: str) -> None:
        for token in [token for token, row in self._access.items() if row["company"] == company]:
            del self._access[token]

    def listed(self, at: float) -> Iterator[dict[str, Any]]:
        for token, row in self._access.items():
            yield self._shown(
                "access", token, row, "alive" if self.holder(token, at) else "unauthorized access"
            )
        for token, row in self._refresh.items():
            yield self._shown(
                "refresh", token, row, "alive" if self.installed(token, at) else "invalid_grant"
            )

    def close(self) -> None:
        self._access.close()
        self._refresh.close()

    def _company(self, row: dict[str, Any] | None) -> Company | None:
        company = row and self._store[COMPANIES].get(row["company"])
        return company if company and not company.revoked else None

    def _shown(self, kind: str, token: str, row: dict[str, Any], state: str) -> dict[str, Any]:
        company = self._store[COMPANIES].get(row["company"])
        scopes = company.scopes if company else ""
        return {
            "account": row["company"],
            "kind": kind,
            "token": token,
            "state": state,
            "at": row["at"],
            "scopes": scopes,
        }

    def _letters(self) -> str:
        return f"{self._random.getrandbits(192):048x}"
