"""The contract between the hub and a connector: what it states, what it builds, what it reads.

A connector does no I/O, looks at no clock and knows no tenant: it turns messages into a `Request` and a `Response`
into `Outcome`s. Everything that a person fills in is data (parts.py), so forms, pages and docs come from it.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from connectors.http import KIBIBYTE, Quota, Report, Request, Response, Scope
from connectors.outcomes import Outcome, read_outcomes
from connectors.schema import (
    LOGIN_HOST,
    Account,
    Advice,
    AuthorizationLifetimes,
    Credential,
    Environment,
    Field,
    Input,
    LoginHost,
    Message,
    Move,
    Permission,
)

MAX_LIFETIME = 400 * 86400.0  # seconds; a longer life of a token is cut to this


class Action:
    """A thing to do in the other system. Subclasses write `request` and `outcome` (or `outcomes`)."""

    key: str
    label: str
    help: str = ""
    inputs: tuple[Input, ...] = ()
    example: Mapping[str, Any] = {}  # a field mapping to start from
    default: Mapping[
        str, Any
    ] = {}  # the field mapping of a route that has none; empty: it must have one
    notice: Mapping[
        str, Any
    ] = {}  # a field mapping that says a notice of ours to people; empty: it is not for that
    permissions: Mapping[str, str] = {}
    batch: int = 1  # messages that one request may carry
    batch_bytes: int = 1024 * KIBIBYTE  # of rendered bodies in one request
    idempotent: bool = False  # the system takes our id: sending again has no second effect

    def group(self, message: Message) -> Hashable:
        """Messages of different groups never share a request."""
        return None

    def check(self, body: Mapping[str, Any]) -> str:
        """Why this body cannot be sent, in words; empty when it can."""
        missing = [
            entry.key
            for entry in self.inputs
            if entry.required and body.get(entry.key) in (None, "")
        ]
        if missing:
            return f"missing: {', '.join(missing)}"
        unknown = sorted(set(body) - {entry.key for entry in self.inputs}) if self.inputs else []
        return f"not known to {self.label!r}: {', '.join(unknown)}" if unknown else ""

    def needed_permissions(self, inputs: Iterable[str]) -> set[str]:
        """What an account must have granted for a mapping that fills in these inputs."""
        return set(self.permissions)

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        raise NotImplementedError

    def outcome(self, response: Response) -> Outcome:
        raise NotImplementedError

    def outcomes(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        """One for each message, in their order."""
        return [self.outcome(response)] * len(messages)

    def read(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        """`outcomes`, and *unknown* for all where the answer cannot be read at all."""
        return read_outcomes(lambda: self.outcomes(response, messages), response, len(messages))

    def confirm_request(self, messages: Sequence[Message], credential: Credential) -> Request:
        """Ask about messages that were left `pending`; their tickets say what."""
        raise NotImplementedError

    def parse_confirmation(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        raise NotImplementedError

    def read_confirmation(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        return read_outcomes(
            lambda: self.parse_confirmation(response, messages), response, len(messages)
        )


@dataclass(frozen=True, slots=True)
class Page:
    records: Sequence[Mapping[str, Any]]
    cursor: str = ""  # empty: it was the last page


class Collection:
    """Records that can be read page by page, for scheduled work."""

    key: str
    label: str
    help: str = ""
    example: Mapping[str, str] = {}  # parameters to start from

    def page(self, credential: Credential, *, cursor: str = "", **query: str) -> Request:
        raise NotImplementedError

    def records(self, response: Response) -> Page | Outcome:
        """The page, otherwise what is wrong. Raises Unreadable."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, repr=False)
class Grant:
    """What a token endpoint gave: the document to seal, seconds of life (None: not told), settings that changed.

    `lives`: of further tokens in the document, by their prefix.
    """

    secret: Mapping[str, Any]
    expires_in: float | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None  # None: the answer does not name it
    permissions: tuple[str, ...] | None = None  # what was granted; None: not told
    environment: Literal["", "production", "sandbox"] = (
        ""  # of the account, where its system has both
    )
    token_lifetimes: Mapping[str, float | None] = field(default_factory=dict)


def parse_lifetime(value: object) -> float | None:
    """`expires_in` as told, in seconds; None where it says nothing usable. Never raises."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return min(seconds, MAX_LIFETIME) if math.isfinite(seconds) and seconds > 0 else None


class Choices(Collection):
    """Records of which a person chooses one: the other side of an identity of this kind."""

    identity: str

    def parse_choice(self, record: Mapping[str, Any]) -> tuple[str, str]:
        """Its id, and what people call it. Raises KeyError and the like where it has none."""
        raise NotImplementedError

    def check(self, id: str) -> str:
        """Why this cannot be an id of theirs, in words; empty when it may."""
        return ""


class Connector:
    """One external system. Stated as data, with the few methods that this system needs."""

    key: str
    label: str
    summary: str = ""
    categories: tuple[str, ...] = ()  # what people look for it under
    synonyms: tuple[str, ...] = ()  # what they may call it, or what it replaces
    moves: tuple[Move, ...] = ()
    approval: str = ""  # who besides the person who connects must agree; empty: nobody
    asks_admins: bool = (
        False  # an administrator is asked there first, and whoever asked is not sent back to us
    )
    plan: str = ""  # what the account there must have been paid for; empty: nothing
    fields: tuple[Field, ...] = ()  # of a connection: secrets and settings
    app_fields: tuple[Field, ...] = ()  # of our registration at that system
    urls: Mapping[str, str] = {}  # base URLs, changed by staff on the connector app
    environments: tuple[
        Environment, ...
    ] = ()  # of accounts, the usual one first; none: all sign in at one place
    login_host: LoginHost | None = None  # None: nobody signs in at a host of their own
    hosts: tuple[str, ...] = ()  # what an answer may name as a host: "*.salesforce.com"
    actions: tuple[Action, ...] = ()
    collections: tuple[Collection, ...] = ()
    quotas: Mapping[str, Quota] = {}  # by "kind" or "kind:name"; what is not stated is not limited
    unlimited: Mapping[
        str, str
    ] = {}  # by kind: why no quota is stated for a scope that its requests name
    in_flight: int = 4  # calls at the same time on one connection, where staff says nothing else
    platform: bool = (
        False  # one connection for the platform, none for a tenant: our own application
    )
    own_endpoint: bool = False  # the customer runs it: each answer outside 2xx is theirs to fix
    refreshes: bool = False
    needs_oauth: bool = False  # a person lets us in there; otherwise they fill in `fields`
    permissions: tuple[Permission, ...] = ()
    guide: tuple[
        str, ...
    ] = ()  # registering there, step by step; %(redirect_uri)s, %(permissions)s and %(hub)s known then
    one_grant: bool = False  # all that an account gave us is one grant: to end one is to end all
    grants_apart: bool = (
        False  # each time that somebody lets us in is a grant of its own, which ends alone
    )
    errors: Mapping[
        str, Advice
    ] = {}  # by our word for what went wrong, where this system knows more than all do

    @property
    def client_fields(self) -> tuple[str, ...]:
        """What must be known of our app before a person can be sent there."""
        return ("client_id", "client_secret") if self.needs_oauth else ()

    def missing(self, granted: Iterable[str] | None) -> list[str]:
        """What we need and were not given; nothing where nobody told what was given."""
        given_permissions = set(granted or ())
        needed = [entry.key for entry in self.permissions if not entry.optional]
        return (
            []
            if granted is None
            else [key for key in needed if not self.has(key, given_permissions)]
        )

    def has(self, permission: str, given_permissions: set[str]) -> bool:
        return permission in given_permissions

    @property
    def choices_by_kind(self) -> dict[str, Choices]:
        """Where the other side of an identity is listed, by its kind."""
        return {entry.identity: entry for entry in self.collections if isinstance(entry, Choices)}

    lifetimes: AuthorizationLifetimes = AuthorizationLifetimes()
    tokens: tuple[str, ...] = (
        "",
    )  # prefixes of access_token and refresh_token that are refreshed each by itself
    checks_every: float | None = (
        6 * 3600.0
    )  # seconds between two probes of a quiet connection; None: it has an effect

    def environment(self, key: str) -> Environment | None:
        return next((entry for entry in self.environments if entry.key == key), None)

    def urls_at(
        self, environment: str, urls: Mapping[str, str], login_host: str = ""
    ) -> Mapping[str, str]:
        """The base URLs as they are for an account of this environment, or of this login host.

        A login host that no pattern of the connector allows is not used, wherever it comes from.
        """
        environment_entry, own = self.environment(environment), self.login_host
        if own and own.environment_of(login_host):
            at_host = {
                name: urls[stand_in].replace(LOGIN_HOST, login_host)
                for name, stand_in in own.urls.items()
            }
            return {**urls, **at_host}
        return (
            {**urls, **{name: urls[stand_in] for name, stand_in in environment_entry.urls.items()}}
            if environment_entry
            else urls
        )

    def quota(self, scope: Scope) -> Quota | None:
        return self.quotas.get(f"{scope.kind}:{scope.name}") or self.quotas.get(scope.kind)

    def connection_limits(self, settings: Mapping[str, Any]) -> tuple[Scope, ...]:
        """Scopes that the settings of one connection limit further: `quota` reads how far from their names."""
        return ()

    def action(self, key: str) -> Action:
        """Raises LookupError."""
        for action in self.actions:
            if action.key == key:
                return action
        raise LookupError(key)

    def check(self, credential: Credential) -> str:
        """Why this credential cannot work, in words, before anything is sent; empty when it may."""
        return ""

    def probe_request(self, credential: Credential, *, at: datetime) -> Request:
        """A cheap request without effect that shows whether the credential lives; ids are made from `at`."""
        raise NotImplementedError

    def parse_probe(self, response: Response, credential: Credential) -> Account | Outcome:
        """The account when it lives, otherwise what is wrong. Raises Unreadable."""
        raise NotImplementedError

    def refresh_request(self, app: Mapping[str, str], credential: Credential) -> Request:
        """Of the one token pair in the credential's access_token and refresh_token, whichever prefix it has."""
        raise NotImplementedError

    def parse_refresh(self, response: Response, credential: Credential) -> Grant | Outcome:
        """The new grant, or `reconnect` (a confirmed invalid_grant), `later`, `unknown`. Raises Unreadable."""
        raise NotImplementedError

    def parse_quota_reports(self, response: Response) -> tuple[Report, ...]:
        """What the headers say of the quotas. Never raises."""
        return ()
