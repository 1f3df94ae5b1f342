"""The role of a connector whose webhook registrations the hub creates and keeps.

Listing, creating, updating and deleting are requests and parsed responses, as everywhere: nothing
here sends. Where a system needs several objects for one registration (Salesforce: an outbound
message and a flow), `next_step` returns one request after the other.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.http import Request, Response
from connectors.outcomes import Outcome
from connectors.schema import Credential

# the reason of a step that this account leaves to a person: the subscription is *manual*
ONLY_BY_HAND = "only_by_hand"


@dataclass(frozen=True, slots=True)
class WantedSubscription:
    """A registration as it should be."""

    key: str  # identifies it at its endpoint, such as person.change
    event_types: tuple[str, ...]  # <object>.<change> of the source
    url: str
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class FoundSubscription:
    """A registration as the system reports it.

    `key` is empty if it cannot be told from what is reported.
    """

    external_id: str
    url: str
    key: str = ""
    event_types: tuple[str, ...] = ()
    is_active: bool = True
    secret: str = field(default="", repr=False)  # empty: the system does not report it
    evidence: Mapping[str, Any] = field(default_factory=dict)  # without secrets


@dataclass(frozen=True, slots=True)
class SubscriptionPage:
    """A page of registrations; `cursor` is empty after the last one."""

    subscriptions: Sequence[FoundSubscription]
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a change, by a name that is unique in it."""

    name: str
    request: Request


class Subscriptions:
    """How the hub keeps registrations at one system."""

    # what a person does where the hub cannot register, in steps; %(url)s and %(secret)s are
    # filled in. Not empty and `is_manual`: always by hand
    guide: tuple[str, ...] = ()
    is_manual: bool = False
    permissions: tuple[str, ...] = ()  # optional permissions that registering needs
    check_every: float = 1800.0  # seconds between two checks of one connection

    def list_wanted_registrations(
        self, event_types: Collection[str]
    ) -> Mapping[str, tuple[str, ...]]:
        """Return the registrations for these event types: the types of each, by its key."""
        raise NotImplementedError

    def build_url(self, url: str, key: str) -> str:
        """Return the URL that a registration delivers to, made of the endpoint's URL."""
        return url

    def list_request(self, credential: Credential, *, cursor: str = "") -> Request:
        """Build the request for a page of all registrations of the account."""
        raise NotImplementedError

    def parse_list(self, response: Response) -> SubscriptionPage | Outcome:
        """Parse a page, or the Outcome of a refusal. Raises Unreadable."""
        raise NotImplementedError

    def merge_pages(
        self, registrations: Sequence[FoundSubscription]
    ) -> Sequence[FoundSubscription]:
        """Return the registrations of all pages, where several entries describe one."""
        return registrations

    def join_ids(self, ids: Mapping[str, str]) -> str:
        """Return the registration's external id to store, made of the ids that the steps returned.

        Empty: the stored one stays.
        """
        return ",".join(ids.values())

    def find_differences(
        self, target: WantedSubscription, registration: FoundSubscription
    ) -> tuple[str, ...]:
        """Name what the system reports otherwise than wanted: url, events, secret, inactive."""
        return tuple(
            name
            for name, differs in (
                ("url", registration.url != target.url),
                ("events", set(registration.event_types) != set(target.event_types)),
                ("secret", bool(registration.secret) and registration.secret != target.secret),
                ("inactive", not registration.is_active),
            )
            if differs
        )

    def next_step(
        self, credential: Credential, target: WantedSubscription, ids: Mapping[str, str]
    ) -> Step | None:
        """Return the next call that creates a registration or completes one begun; None: done."""
        raise NotImplementedError

    def next_repair(
        self,
        credential: Credential,
        target: WantedSubscription,
        registration: FoundSubscription,
        done: Mapping[str, str],
    ) -> Step | None:
        """Return the next call that repairs a registration; None: it is repaired.

        `done`: the names of the steps before, and what `parse_step` returned for them.
        """
        raise NotImplementedError

    def next_removal(
        self, credential: Credential, external_id: str, done: Mapping[str, str]
    ) -> Step | None:
        """Return the next call that removes a registration; None: it is removed.

        `done` as for `next_repair`.
        """
        raise NotImplementedError

    def parse_step(self, step: str, response: Response) -> Mapping[str, str] | Outcome:
        """Return the external ids that a step made, or the Outcome of a refusal.

        A removal of what does not exist is no refusal. Raises Unreadable.
        """
        raise NotImplementedError
