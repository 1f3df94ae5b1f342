"""Lifetimes of a credential's tokens; each is refreshed after about 80 % of its lifetime. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.base import Connector, Grant

REFRESH_SHARE, REFRESH_JITTER = 0.8, 0.05  # of a lifetime; the jitter spreads simultaneous grants
MAIN_PREFIX = ""  # the prefix of the token that deliveries use

Random = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Token:
    """The lifetime of one access token: time of issue, expiry and next refresh.

    `expires_at` is None if the expiry is unknown, `refresh_due_at` if no refresh is planned.
    """

    granted_at: datetime
    expires_at: datetime | None = None
    refresh_due_at: datetime | None = None
    rotates: bool = False  # its refresh token was replaced by the last refresh

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Token":
        return cls(
            datetime.fromisoformat(data["given"]),
            _parse_moment(data["ends"]),
            _parse_moment(data["due"]),
            data["rotates"],
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "given": _format_moment(self.granted_at),
            "ends": _format_moment(self.expires_at),
            "due": _format_moment(self.refresh_due_at),
            "rotates": self.rotates,
        }


def _parse_moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def _format_moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def build_token(
    connector: Connector,
    lifetime: float | None,
    *,
    refreshable: bool,
    rotates: bool = False,
    now: datetime,
    random: Random,
) -> Token:
    """Build the lifetime of a token that was just issued, and decide when its refresh is due.

    `lifetime` is in seconds; None: the connector's default.
    """
    expires_at = None if lifetime is None else now + timedelta(seconds=lifetime)
    length = lifetime or connector.lifetimes.access_token_seconds
    if not (length and refreshable and connector.refreshes_tokens):
        return Token(now, expires_at, None, rotates)
    share = REFRESH_SHARE + REFRESH_JITTER * (2 * random() - 1)
    return Token(now, expires_at, now + timedelta(seconds=length * share), rotates)


def build_tokens(
    connector: Connector, grant: Grant, *, now: datetime, random: Random
) -> dict[str, Token]:
    """Build the lifetimes of the tokens in a new grant, by the prefix of their keys in the grant's
    secret, such as `user_`; empty for the main token.
    """
    lifetimes = {MAIN_PREFIX: grant.expires_in, **grant.token_lifetimes}
    return {
        prefix: build_token(
            connector,
            lifetimes.get(prefix),
            refreshable=bool(grant.secret.get(f"{prefix}refresh_token")),
            now=now,
            random=random,
        )
        for prefix in connector.token_prefixes
        if grant.secret.get(f"{prefix}access_token")
    }


def build_token_columns(
    tokens: Mapping[str, Token], connector: Connector, *, now: datetime
) -> dict[str, Any]:
    """Build the columns of a credential's row for these tokens."""
    unused = connector.lifetimes.unused_refresh_token_seconds if tokens else None
    return {
        "token_lifetimes": {prefix: token.to_json() for prefix, token in tokens.items()},
        "expires_at": min(
            filter(None, (token.expires_at for token in tokens.values())), default=None
        ),
        "refresh_due_at": min(
            filter(None, (token.refresh_due_at for token in tokens.values())), default=None
        ),
        "grant_expires_at": now + timedelta(seconds=unused) if unused else None,
    }


def build_fresh_columns(
    connector: Connector, grant: Grant, *, now: datetime, random: Random
) -> dict[str, Any]:
    """Build the columns of a credential that was just granted, without failures."""
    token_columns = build_token_columns(
        build_tokens(connector, grant, now=now, random=random), connector, now=now
    )
    return {**token_columns, **CLEARED_REFRESH_STATE, "refusals": 0}


CLEARED_REFRESH_STATE: Mapping[str, Any] = {
    "refresh_lease_until": None,
    "refresh_started_at": None,
    "refresh_outcome_unknown_since": None,
    "rejected_at": None,
    "refresh_failures": 0,
}
