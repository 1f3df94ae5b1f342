"""The contract between the hub and a connector: what it declares, builds and parses.

A connector does no I/O, reads no clock and knows no tenant: it builds a `Request` from messages and
parses a `Response` into `Outcome`s. All that a person fills in is declared as data (schema.py):
forms, pages and documentation are built from it.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from connectors.directories import Directory
from connectors.file_uploads import FileUpload
from connectors.http import Quota, Report, Request, Response, Scope
from connectors.object_schemas import Schema
from connectors.outcomes import Outcome
from connectors.report_sources import ReportSource
from connectors.roles import Action, BulkRead, BulkWrite, Choices, Collection, LogSink
from connectors.schema import (
    LOGIN_HOST,
    Account,
    Advice,
    AuthorizationLifetimes,
    Credential,
    DataFlow,
    Environment,
    Field,
    LoginHost,
    Permission,
)
from connectors.webhook_sources import Subscriptions, WebhookSource

MAX_LIFETIME_SECONDS = 400 * 86400.0  # seconds; a longer lifetime is cut to this


@dataclass(frozen=True, slots=True, repr=False)
class Grant:
    """What a token endpoint granted: the secrets to seal, their lifetime and changed settings.

    `expires_in` is in seconds, None if the answer does not contain it. `token_lifetimes` has the
    lifetimes of further tokens in `secret`, by their prefix.
    """

    secret: Mapping[str, Any]
    expires_in: float | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None  # None: the answer does not name it
    permissions: tuple[str, ...] | None = None  # what was granted; None: unknown
    # of the account, if its system has both
    environment: Literal["", "production", "sandbox"] = ""
    token_lifetimes: Mapping[str, float | None] = field(default_factory=dict)


def parse_lifetime(value: object) -> float | None:
    """Parse `expires_in`: seconds up to MAX_LIFETIME_SECONDS, None if unusable. Never raises."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return min(seconds, MAX_LIFETIME_SECONDS) if math.isfinite(seconds) and seconds > 0 else None


class Connector:
    """One external system, declared as data, with the few methods that differ between systems."""

    key: str
    label: str
    summary: str = ""
    categories: tuple[str, ...] = ()  # under which people look for it
    synonyms: tuple[str, ...] = ()  # what people may call it, or what it replaces
    data_flows: tuple[DataFlow, ...] = ()
    # who must approve besides the person who connects; empty: no approval is needed
    approval: str = ""
    # the consent page asks an administrator first, and does not send the person back to us
    asks_admins: bool = False
    plan: str = ""  # the plan that the account must have; empty: any
    fields: tuple[Field, ...] = ()  # of a connection: secrets and settings
    app_fields: tuple[Field, ...] = ()  # of our registration at that system
    urls: Mapping[str, str] = {}  # base URLs, overridden by those on the connector app
    # kinds of accounts, the usual one first; empty: all accounts sign in at one place
    environments: tuple[Environment, ...] = ()
    login_host: LoginHost | None = None  # None: no customer has a login host of its own
    hosts: tuple[str, ...] = ()  # patterns of hosts in responses, such as "*.salesforce.com"
    actions: tuple[Action, ...] = ()
    collections: tuple[Collection, ...] = ()
    bulk_reads: Mapping[str, BulkRead] = {}  # by the key of the collection
    bulk_write: BulkWrite | None = None  # None: it writes no records by a job
    report_source: ReportSource | None = None  # None: a report reads nothing from it
    # a write may name the version that it replaces, and is refused if that is not the present one
    can_refuse_stale_writes: bool = True
    log_sink: LogSink | None = None  # None: it takes no log lines
    schema: Schema | None = None  # None: its objects and fields cannot be read
    directory: Directory | None = None  # None: the hub reads no list of its users
    quotas: Mapping[str, Quota] = {}  # by "kind" or "kind:name"; other scopes are not limited
    # why a scope that requests spend has no quota, by kind
    unlimited_reasons: Mapping[str, str] = {}
    in_flight: int = 4  # calls at the same time on one connection, unless staff limit them
    # our own application: one connection for the platform, none for a tenant
    is_for_platform: bool = False
    is_own_endpoint: bool = False  # the customer runs it, and fixes each response outside 2xx
    refreshes_tokens: bool = False
    needs_oauth: bool = False  # a person authorizes us there; otherwise they fill in `fields`
    permissions: tuple[Permission, ...] = ()
    # how to register our app, in steps; %(redirect_uri)s, %(permissions)s, %(hub)s are filled in
    guide: tuple[str, ...] = ()
    # an account has one grant for all its tokens: revoking one token revokes all
    has_one_grant: bool = False
    # each authorization is a grant of its own, and is revoked separately
    has_separate_grants: bool = False
    # advice by problem code, where it is more specific than the general advice
    errors: Mapping[str, Advice] = {}

    @property
    def client_fields(self) -> tuple[str, ...]:
        """List the fields of our app that are required before a person is sent to the system."""
        return ("client_id", "client_secret") if self.needs_oauth else ()

    def list_missing_permissions(self, granted: Iterable[str] | None) -> list[str]:
        """List required permissions that were not granted; none if `granted` is None (unknown)."""
        given_permissions = set(granted or ())
        needed = [entry.key for entry in self.permissions if not entry.optional]
        return (
            []
            if granted is None
            else [key for key in needed if not self.has_permission(key, given_permissions)]
        )

    def has_permission(self, permission: str, given_permissions: set[str]) -> bool:
        return permission in given_permissions

    @property
    def list_choices_by_kind(self) -> dict[str, Choices]:
        """Return the collections of choices, by the kind of identity."""
        return {
            entry.identity_kind: entry for entry in self.collections if isinstance(entry, Choices)
        }

    def is_one_to_one(self, kind: str) -> bool:
        """Return whether identities of this kind are unique both ways, as those of people are."""
        choices = self.list_choices_by_kind.get(kind)
        is_person = self.directory is not None and kind == self.directory.kind
        return is_person or (choices is not None and choices.is_one_to_one)

    lifetimes: AuthorizationLifetimes = AuthorizationLifetimes()
    # prefixes of access_token and refresh_token in the document, each pair refreshed separately
    token_prefixes: tuple[str, ...] = ("",)
    # False: there is nothing to ask; a credential without a problem is accepted
    has_probe: bool = True
    # seconds between two probes of a quiet connection; None: not probed, a probe has an effect
    checks_every: float | None = 6 * 3600.0

    def environment(self, key: str) -> Environment | None:
        return next((entry for entry in self.environments if entry.key == key), None)

    def urls_at(
        self, environment: str, urls: Mapping[str, str], login_host: str = ""
    ) -> Mapping[str, str]:
        """Return the base URLs for accounts of this environment, or of this login host.

        A login host that no pattern of the connector allows is ignored.
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

    feed_collections: tuple[Collection, ...] = ()  # which only feeds of the webhook source read
    # None: the system sends no webhooks that we receive
    webhook_source: WebhookSource | None = None
    # None: the hub keeps no registrations there
    subscriptions: Subscriptions | None = None
    # None: the hub sends no files to the system
    file_upload: FileUpload | None = None

    def quota(self, scope: Scope) -> Quota | None:
        return self.quotas.get(f"{scope.kind}:{scope.name}") or self.quotas.get(scope.kind)

    def connection_limits(self, settings: Mapping[str, Any]) -> tuple[Scope, ...]:
        """Return further scopes that the settings of a connection limit.

        `quota` reads the limit from the name of such a scope.
        """
        return ()

    def action(self, key: str) -> Action:
        """Return the action with this key. Raises LookupError if there is none."""
        for action in self.actions:
            if action.key == key:
                return action
        raise LookupError(key)

    def find_credential_problem(self, credential: Credential) -> str:
        """Return why this credential cannot work, as text, without a call; empty if it can."""
        return ""

    def probe_request(self, credential: Credential, *, at: datetime) -> Request:
        """Build a cheap request without effect that shows whether the credential is valid.

        Ids in it are made from `at`.
        """
        raise NotImplementedError

    def parse_probe(self, response: Response, credential: Credential) -> Account | Outcome:
        """Return the account, or the Outcome of a failed test. Raises Unreadable."""
        raise NotImplementedError

    def refresh_request(self, app: Mapping[str, str], credential: Credential) -> Request:
        """Build the request that refreshes the credential's access_token.

        `credential` contains the tokens to refresh as access_token and refresh_token, also if the
        stored document has them under a prefix.
        """
        raise NotImplementedError

    def parse_refresh(self, response: Response, credential: Credential) -> Grant | Outcome:
        """Return the new grant, or the Outcome of a refresh that failed. Raises Unreadable.

        *reconnect*: the grant has ended (a confirmed invalid_grant); *later*: retry; *unknown*: the
        refresh token may be used up.
        """
        raise NotImplementedError

    def parse_quota_reports(self, response: Response) -> tuple[Report, ...]:
        """Parse what the response headers report about quotas. Never raises."""
        return ()
