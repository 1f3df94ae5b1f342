"""The role of a connector whose webhook registrations the hub creates and maintains.

Builds the requests that list, create, update and delete registrations, and parses the responses; it
never sends. If a system needs several objects for one registration (Salesforce: an outbound message
and a flow), `next_step` returns their requests one by one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.http import Request, Response, Scope
from connectors.outcomes import Outcome
from connectors.schema import Credential

# the reason of a step that this account leaves to a person: the subscription is *manual*
ONLY_BY_HAND = "only_by_hand"
# the reason where this account, or its edition, has no such registrations: it is *unsupported*
NOT_SUPPORTED = "not_supported"
# names of differences: it sends nothing, or nothing for a time as our answers were failures
INACTIVE, BANNED = "inactive", "banned"


@dataclass(frozen=True, slots=True)
class WantedSubscription:
    """A registration as it should be at the external system."""

    key: str  # identifies it at its endpoint, such as person.change
    event_types: tuple[str, ...]  # <object>.<change> of the source
    url: str
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class FoundSubscription:
    """A registration as the external system reports it.

    `key` is "" if the report does not identify the registration.
    """

    external_id: str
    url: str
    key: str = ""
    event_types: tuple[str, ...] = ()
    is_active: bool = True
    expires_at: float | None = None  # seconds since 1970; None: never
    secret: str = field(default="", repr=False)  # empty: the system does not report it
    evidence: Mapping[str, Any] = field(default_factory=dict)  # without secrets
    revision: str = ""  # differs when its details may have changed; empty: the listing does not say
    details: Mapping[str, str] = field(default_factory=dict)  # empty: they were not read


@dataclass(frozen=True, slots=True)
class SubscriptionPage:
    """A page of registrations; `cursor` is empty after the last one."""

    subscriptions: Sequence[FoundSubscription]
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a change, with a name that is unique within the change."""

    name: str
    request: Request


@dataclass(frozen=True, slots=True)
class WatchCosts:
    """What the watch of registrations spends of one quota, in its units."""

    check: int  # a complete listing
    look: int = 0  # at a quiet source: a listing, and the first page of what has changed since then
    canary: int = 0  # a change that the hub makes to see its webhook return
    detail: int = 0  # what the listing does not say of one registration


class Subscriptions:
    """How the hub maintains its webhook registrations at one system."""

    # what a person does where the hub cannot register, in steps; %(url)s and %(secret)s are
    # filled in. Not empty and `is_manual`: always by hand
    guide: tuple[str, ...] = ()
    is_manual: bool = False
    permissions: tuple[str, ...] = ()  # optional permissions that registering needs
    check_every: float = 1800.0  # seconds between two checks of one connection, at least
    watch_costs: Mapping[Scope, WatchCosts] = {}
    evidence_labels: Mapping[str, str] = {}  # what of `FoundSubscription.evidence` people see
    has_details: bool = False  # whether `next_detail` reads what the listing does not say
    # seconds before the end of a registration in which it is renewed, by a repair
    renew_before: float = 0.0

    def list_wanted_registrations(
        self, event_types: Collection[str]
    ) -> Mapping[str, tuple[str, ...]]:
        """Return the registrations needed for these event types: types by key."""
        raise NotImplementedError

    def build_url(self, url: str, key: str) -> str:
        """Return the URL to register, derived from the endpoint's URL."""
        return url

    def list_request(self, credential: Credential, *, cursor: str = "") -> Request:
        """Build the request for a page of all registrations of the account."""
        raise NotImplementedError

    def parse_list(self, response: Response, *, cursor: str = "") -> SubscriptionPage | Outcome:
        """Parse the page of a cursor, or the Outcome of a refusal. Raises Unreadable."""
        raise NotImplementedError

    def merge_pages(
        self, registrations: Sequence[FoundSubscription]
    ) -> Sequence[FoundSubscription]:
        """Merge several entries of the listing that describe one registration."""
        return registrations

    def join_ids(self, ids: Mapping[str, str]) -> str:
        """Return the external id to store, built from the ids that the steps returned.

        "" keeps the stored one.
        """
        return ",".join(ids.values())

    def find_expiry(self, ids: Mapping[str, str]) -> float | None:
        """Return when a registration expires, from the ids that the steps returned; None: never."""
        return None

    def find_differences(
        self, target: WantedSubscription, registration: FoundSubscription
    ) -> tuple[str, ...]:
        """Return the properties that differ from the wanted ones: url, events, secret, INACTIVE."""
        return tuple(
            name
            for name, differs in (
                ("url", registration.url != target.url),
                ("events", set(registration.event_types) != set(target.event_types)),
                ("secret", bool(registration.secret) and registration.secret != target.secret),
                (INACTIVE, not registration.is_active),
            )
            if differs
        )

    def next_detail(
        self, credential: Credential, registration: FoundSubscription, details: Mapping[str, str]
    ) -> Step | None:
        """Return the next request that reads details of a registration; None at the end.

        `details` are those that `parse_step` returned so far.
        """
        return None

    def next_step(
        self, credential: Credential, target: WantedSubscription, ids: Mapping[str, str]
    ) -> Step | None:
        """Return the next request to create a registration or complete one; None at the end."""
        raise NotImplementedError

    def next_repair(
        self,
        credential: Credential,
        target: WantedSubscription,
        registration: FoundSubscription,
        done: Mapping[str, str],
    ) -> Step | None:
        """Return the next request that repairs or renews a registration; None at the end.

        `done` maps the name of each earlier step to the ids that `parse_step` returned for it.
        """
        raise NotImplementedError

    def next_removal(
        self, credential: Credential, external_id: str, done: Mapping[str, str]
    ) -> Step | None:
        """Return the next request that removes a registration; None at the end.

        `done` as for `next_repair`.
        """
        raise NotImplementedError

    def parse_step(self, step: str, response: Response) -> Mapping[str, str] | Outcome:
        """Return the external ids that a step created, or the Outcome of a refusal.

        The removal of a registration that does not exist counts as a success. Raises Unreadable.
        """
        raise NotImplementedError
