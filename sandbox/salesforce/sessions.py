"""Sessions of an org: access tokens that end without notice, refresh tokens that stay or rotate."""

from pathlib import Path
from random import Random

from sandbox.accounts import Org
from sandbox.shelf import Shelf
from sandbox.world import World


class Sessions:
    def __init__(self, world: World, state: Path, random: Random):
        self._world = world
        self._random = random
        self._access = Shelf(state / "salesforce-access.jsonl", keep=10_000)
        self._refresh = Shelf(state / "salesforce-refresh.jsonl")

    def learn(self, at: float) -> None:
        for org in self._world.salesforce.values():
            if org.access_token:
                self._access.setdefault(org.access_token, {"org": org.org, "at": at})
            if org.refresh_token:
                self._refresh.setdefault(org.refresh_token, {"org": org.org, "live": True})

    def org(self, token: str, at: float) -> Org | None:
        """Whose living session this is."""
        session = self._access.get(token)
        org = session and self._world.salesforce.get(session["org"])
        return org if org and not org.revoked and at < session["at"] + org.session_timeout else None

    def owner(self, refresh_token: str) -> Org | None:
        """Whose refresh token this is, if it still works."""
        known = self._refresh.get(refresh_token)
        org = known and self._world.salesforce.get(known["org"])
        return org if org and known["live"] and not org.revoked else None

    def start(self, org: Org, at: float) -> str:
        token = f"{org.org[:15]}!{self._letters()}"
        self._access[token] = {"org": org.org, "at": at}
        return token

    def rotate(self, org: Org, used: str) -> str:
        self._refresh[used] = {"org": org.org, "live": False}
        return self.new_refresh(org)

    def new_refresh(self, org: Org) -> str:
        token = f"5Aep{self._letters()}"
        self._refresh[token] = {"org": org.org, "live": True}
        return token

    def revoke(self, token: str) -> bool:
        """A refresh token takes its org's sessions along."""
        if token in self._access:
            del self._access[token]
            return True
        known = self._refresh.get(token)
        if not known or not known["live"]:
            return False
        self._refresh[token] = known | {"live": False}
        for access in [access for access, session in self._access.items() if session["org"] == known["org"]]:
            del self._access[access]
        return True

    def close(self) -> None:
        self._access.close()
        self._refresh.close()

    def _letters(self) -> str:
        return f"{self._random.getrandbits(256):064x}"
