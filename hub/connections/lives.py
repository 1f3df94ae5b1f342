"""How long the tokens of a credential live, and when each is refreshed: early, at about 80 % of its life. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.base import Connector, Grant

EARLY, JITTER = 0.8, 0.05  # of a life; the jitter spreads what was granted together
MAIN = ""  # the prefix of the token that deliveries use

Random = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Token:
    """One access token: since when we have it, when it ends (None: not told), when another is asked for."""

    given: datetime
    ends: datetime | None = None
    due: datetime | None = None
    rotates: bool = False  # its refresh token was replaced by the last refresh

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Token":
        return cls(datetime.fromisoformat(kept["given"]), moment(kept["ends"]), moment(kept["due"]), kept["rotates"])

    def kept(self) -> dict[str, Any]:
        return {"given": text(self.given), "ends": text(self.ends), "due": text(self.due), "rotates": self.rotates}


def moment(told: str | None) -> datetime | None:
    return datetime.fromisoformat(told) if told else None


def text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def token(
    connector: Connector,
    lives: float | None,
    *,
    refreshable: bool,
    rotates: bool = False,
    now: datetime,
    random: Random,
) -> Token:
    """One that was just given. Its end counts where it was told, otherwise what the connector states says when."""
    ends = None if lives is None else now + timedelta(seconds=lives)
    length = lives or connector.life.access
    if not (length and refreshable and connector.refreshes):
        return Token(now, ends, None, rotates)
    share = EARLY + JITTER * (2 * random() - 1)
    return Token(now, ends, now + timedelta(seconds=length * share), rotates)


def tokens_of(connector: Connector, grant: Grant, *, now: datetime, random: Random) -> dict[str, Token]:
    """Of a document that was just granted, by prefix."""
    told = {MAIN: grant.expires_in, **grant.lives}
    return {
        prefix: token(
            connector,
            told.get(prefix),
            refreshable=bool(grant.secret.get(f"{prefix}refresh_token")),
            now=now,
            random=random,
        )
        for prefix in connector.tokens
        if grant.secret.get(f"{prefix}access_token")
    }


def columns(tokens: Mapping[str, Token], connector: Connector, *, now: datetime) -> dict[str, Any]:
    """What a credential's row says of them."""
    unused = connector.life.unused if tokens else None
    return {
        "token_lifetimes": {prefix: token.kept() for prefix, token in tokens.items()},
        "expires_at": min(filter(None, (token.ends for token in tokens.values())), default=None),
        "refresh_due_at": min(filter(None, (token.due for token in tokens.values())), default=None),
        "grant_expires_at": now + timedelta(seconds=unused) if unused else None,
    }


def fresh(connector: Connector, grant: Grant, *, now: datetime, random: Random) -> dict[str, Any]:
    """The columns of a credential that was just granted: nothing is wrong with it yet."""
    begun = columns(tokens_of(connector, grant, now=now, random=random), connector, now=now)
    return begun | UNTROUBLED | {"refusals": 0}


UNTROUBLED: Mapping[str, Any] = {
    "refresh_lease_until": None,
    "refresh_started_at": None,
    "refresh_outcome_unknown_since": None,
    "rejected_at": None,
    "refresh_failures": 0,
}
