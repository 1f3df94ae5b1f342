"""What a connector is handed and what it states, as values: a credential, a message; fields, permissions, advice."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from connectors.http import Unreadable
from connectors.outcomes import clean_text

MAX_SHARED_ATTEMPTS = 2  # attempts that a message makes in company
MAX_NAME_LENGTH = 200  # characters
LOGIN_HOST = "{login_host}"  # what stands for a customer's login host in a base URL
LOGIN_HOST_MOST = 100  # characters


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """What a connector may know of one connection. Secrets have no repr."""

    secret: Mapping[str, Any]
    urls: Mapping[str, str] = field(default_factory=dict)
    account: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    hosts: tuple[
        str, ...
    ] = ()  # what an answer may name, where staff changed the connector's own patterns

    @property
    def access(self) -> str:
        return str(self.secret.get("access_token", ""))

    def __repr__(self) -> str:
        return f"<Credential of {self.account or 'an account'}: ***>"


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery on its way: `id` is the outward id, the same over all attempts; `raw` the rendered JSON bytes."""

    id: str
    body: Mapping[str, Any]
    raw: bytes
    at: datetime  # the moment of this attempt, aware
    type: str = ""
    tenant: str = ""  # the tenant's reference in our own application
    attempt: int = 1
    ticket: str = ""  # what `pending` left behind, to be asked about again

    def __getitem__(self, key: str) -> Any:
        return self.body[key]

    def get(self, key: str, default: Any = None) -> Any:
        return self.body.get(key, default)

    @property
    def batch_group(self) -> str:
        """Part of a group's key: after two tries in company a message goes alone, safe from a broken neighbour."""
        return self.id if self.attempt > MAX_SHARED_ATTEMPTS and not self.ticket else ""


def without_nulls(body: Mapping[str, Any]) -> dict[str, Any]:
    """Without nulls: a mapping makes null of what an event does not have."""
    return {key: value for key, value in body.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a person fills in; a secret is sealed and never shown again."""

    key: str
    label: str
    help: str = ""
    secret: bool = False
    required: bool = True
    kind: Literal["text", "url", "json", "flag", "choice", "number"] = "text"
    default: str = ""
    most: int | None = None  # of a number; the least is 1
    choices: tuple[tuple[str, str], ...] = ()  # of a choice: value and label
    pattern: str = ""  # a regular expression that the whole of a text must match; empty: anything


@dataclass(frozen=True, slots=True)
class Input:
    """One key of the object that a field mapping must make for an action."""

    key: str
    label: str
    help: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Permission:
    """Something that we ask to be allowed, by the system's own word for it, and why."""

    key: str
    purpose: str
    optional: bool = False  # a person may leave it out


@dataclass(frozen=True, slots=True)
class Environment:
    """Where accounts of one kind sign in, at a system that has several kinds."""

    key: Literal["production", "sandbox"]
    label: str
    help: str  # how a person knows that theirs is one
    urls: Mapping[str, str] = field(
        default_factory=dict
    )  # base URLs, and which others stand for them there


@dataclass(frozen=True, slots=True)
class LoginHost:
    """Hosts of a customer's own at which accounts may sign in, instead of at the common login of their kind."""

    label: str
    help: str  # where a person finds theirs
    example: str
    patterns: Mapping[
        Literal["production", "sandbox"], str
    ]  # what the whole host must match, by environment
    urls: Mapping[
        str, str
    ]  # base URLs, and which others, with LOGIN_HOST in them, stand for them there

    def environment_of(self, host: str) -> Literal["", "production", "sandbox"]:
        """The environment of the accounts that sign in at this host; empty where no pattern allows the host."""
        if len(host) > LOGIN_HOST_MOST:
            return ""
        matches = (
            key for key, pattern in self.patterns.items() if re.fullmatch(pattern, host, re.ASCII)
        )
        return next(matches, "")


@dataclass(frozen=True, slots=True)
class Move:
    """Data that moves, and which way: `out` is from us into that system."""

    direction: Literal["out", "in"]
    description: str


@dataclass(frozen=True, slots=True)
class Advice:
    """What helps when connecting goes wrong: the cause, who can mend it, and a text to send to them.

    `%(system)s`, `%(account)s` and `%(hub)s` stand for names that are known only then.
    """

    cause: str
    who: Literal["you", "their_admin", "us", "wait"]
    text: str = ""


@dataclass(frozen=True, slots=True)
class AuthorizationLifetimes:
    """How an authorization lives where its answers do not tell; in seconds. None: it is not known, or for ever."""

    access: float | None = None  # an access token, as the system makes them where nobody changed it
    unused: float | None = None  # a refresh token that is not used for so long ends
    used_again: Literal["works", "grace", "refused"] = (
        "refused"  # a refresh token that was exchanged before
    )


@dataclass(frozen=True, slots=True)
class Account:
    """Who a credential belongs to, as the system itself says; no id where it names none. Raises Unreadable."""

    id: str
    name: str = ""

    def __post_init__(self) -> None:
        """An id is believed whole or not at all; a name is cut, and made harmless."""
        if len(self.id) > MAX_NAME_LENGTH or clean_text(self.id, MAX_NAME_LENGTH) != self.id:
            raise Unreadable("the id of the account is none")
        object.__setattr__(self, "name", clean_text(self.name, MAX_NAME_LENGTH))
