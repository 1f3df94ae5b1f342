"""Values that a connector receives (credential, message) and declares (fields, advice)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from connectors.http import Unreadable
from connectors.outcomes import clean_text

MAX_SHARED_ATTEMPTS = 2  # attempts of a message in a batch with others
MAX_NAME_LENGTH = 200  # characters
LOGIN_HOST = "{login_host}"  # placeholder for a customer's login host in a base URL
LOGIN_HOST_LENGTH_MAX = 100  # characters


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """What a connector may know of one connection. `repr` shows no secret."""

    secret: Mapping[str, Any]
    urls: Mapping[str, str] = field(default_factory=dict)
    account: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    # patterns of hosts in responses, as staff entered them; empty: the connector's
    hosts: tuple[str, ...] = ()
    # a secret address that came with an incoming item, of an action that answers by it
    reply_url: str = ""

    @property
    def access_token(self) -> str:
        return str(self.secret.get("access_token", ""))

    def __repr__(self) -> str:
        return f"<Credential of {self.account or 'an account'}: ***>"


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery in an attempt.

    `id` is the public id, the same in all attempts; `raw` the rendered body as JSON in UTF-8.
    """

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
        """Return the message's id once it was in MAX_SHARED_ATTEMPTS batches, otherwise "".

        Used in a group's key, it makes the message a batch of its own, in case another message
        breaks the batch.
        """
        return self.id if self.attempt > MAX_SHARED_ATTEMPTS and not self.ticket else ""


def remove_nulls(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body without nulls: a mapping yields null for what an event lacks."""
    return {key: value for key, value in body.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Field:
    """A value that a person fills in; a secret is sealed and never shown again."""

    key: str
    label: str
    help: str = ""
    secret: bool = False
    required: bool = True
    kind: Literal["text", "url", "json", "flag", "choice", "number"] = "text"
    default: str = ""
    maximum: int | None = None  # of a number; the least is 1
    choices: tuple[tuple[str, str], ...] = ()  # of a choice: value and label
    pattern: str = ""  # a regular expression that the whole of a text must match; empty: anything


@dataclass(frozen=True, slots=True)
class Input:
    """A key of the object that a field mapping builds for an action."""

    key: str
    label: str
    help: str = ""
    required: bool = False
    # the kind of Choices whose ids it takes, or `object` for the objects of the schema; empty: none
    choice_kind: str = ""


@dataclass(frozen=True, slots=True)
class Permission:
    """A permission that we request, with the system's key for it and its purpose."""

    key: str
    purpose: str
    optional: bool = False  # a person may leave it out


@dataclass(frozen=True, slots=True)
class Environment:
    """A kind of accounts, in a system that has several, and the base URLs that differ there."""

    key: Literal["production", "sandbox"]
    label: str
    help: str  # how a person recognizes that their account is of this kind
    # by the name of a base URL, the name of the one that replaces it in this environment
    urls: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoginHost:
    """Login hosts of a customer, where accounts sign in instead of at the system's common one."""

    label: str
    help: str  # where a person finds their login host
    example: str
    # regular expressions that the whole host must match, by environment
    patterns: Mapping[Literal["production", "sandbox"], str]
    # the names of base URLs, and of those with LOGIN_HOST in them that replace them
    urls: Mapping[str, str]

    def environment_of(self, host: str) -> Literal["", "production", "sandbox"]:
        """Return the environment of the accounts at this host; "" if no pattern matches it."""
        if len(host) > LOGIN_HOST_LENGTH_MAX:
            return ""
        matches = (
            key for key, pattern in self.patterns.items() if re.fullmatch(pattern, host, re.ASCII)
        )
        return next(matches, "")


@dataclass(frozen=True, slots=True)
class DataFlow:
    """Data that is transferred; `out` is from us to the system."""

    direction: Literal["out", "in"]
    description: str


@dataclass(frozen=True, slots=True)
class Advice:
    """Advice for a problem while connecting: its cause, who can fix it, a text to send to them.

    The names `%(system)s`, `%(account)s` and `%(hub)s` are filled in when it is shown.
    """

    cause: str
    responsible: Literal["you", "their_admin", "us", "wait"]
    text: str = ""


@dataclass(frozen=True, slots=True)
class AuthorizationLifetimes:
    """Lifetimes, in seconds, that the system's responses do not contain.

    None: unknown, or unlimited.
    """

    access_token_seconds: float | None = None  # of an access token, by the system's default
    # a refresh token expires when it is not used for so long
    unused_refresh_token_seconds: float | None = None
    # what happens to a refresh token that was exchanged before
    refresh_token_reuse: Literal["works", "grace", "refused"] = "refused"


@dataclass(frozen=True, slots=True)
class Account:
    """The owner of a credential, as the system names it; the id is empty if it names none.

    Raises Unreadable if the id is too long or unprintable.
    """

    id: str
    name: str = ""
    user: str = ""  # the id of the person who granted it, whose name our changes bear

    def __post_init__(self) -> None:
        """Reject an unusable id, and cut and clean the name. Raises Unreadable."""
        if len(self.id) > MAX_NAME_LENGTH or clean_text(self.id, MAX_NAME_LENGTH) != self.id:
            raise Unreadable("the account ID is empty")
        object.__setattr__(self, "name", clean_text(self.name, MAX_NAME_LENGTH))
        object.__setattr__(self, "user", clean_text(self.user, MAX_NAME_LENGTH))
