"""The calls of a check: list, create, repair and remove registrations at a system."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from connectors.http import Request, Response
from connectors.outcomes import Outcome, later
from connectors.schema import Credential
from connectors.webhook_sources import (
    FoundSubscription,
    Step,
    Subscriptions,
    WantedSubscription,
)
from hub.connections.credentials.connector_context import collect_secrets
from hub.connections.credentials.provider_call import ExchangeRecorder, Patience, call_provider
from hub.connections.models import Connection
from hub.db.clock import Clock

T = TypeVar("T")

MAX_PAGES = 20  # of a list of registrations
MAX_STEPS = 10  # calls of one change
INCOMPLETE = "incomplete"  # nothing is changed by a list that is cut


@dataclass(frozen=True, slots=True)
class RegistrationCalls:
    """The calls for one connection, with an opened credential.

    `check_allowed`: called before each call that changes something; it raises RegistrationLeaseLost
    if nothing more may be changed. `own_secrets`: of the endpoint; they are removed from all
    outcomes.
    """

    connection: Connection
    subscriptions: Subscriptions
    credential: Credential
    call: ExchangeRecorder
    clock: Clock
    patience: Patience
    check_allowed: Callable[[], None]
    own_secrets: tuple[str, ...] = field(default=(), repr=False)
    low_priority: bool = False  # deliveries go first

    def describe_last_exchange(self) -> str:
        """Return the last call with its response, without secrets, as evidence of a failure."""
        return self.call.describe(self._list_secrets())

    def list_all(self) -> list[FoundSubscription] | Outcome:
        """Read all pages of registrations; return the Outcome if a page fails."""
        registrations: list[FoundSubscription] = []
        cursor = ""
        for _page in range(MAX_PAGES):
            page = self._send(
                partial(self.subscriptions.list_request, self.credential, cursor=cursor),
                self.subscriptions.parse_list,
            )
            if isinstance(page, Outcome):
                return page
            registrations += page.subscriptions
            cursor = page.cursor
            if not cursor:
                return list(self.subscriptions.merge_pages(registrations))
        return later(INCOMPLETE, f"the list has more than {MAX_PAGES} pages")

    def create(
        self, target: WantedSubscription, ids: Mapping[str, str]
    ) -> Mapping[str, str] | Outcome:
        """Create a registration, or complete one begun; return its external ids."""
        known_ids = dict(ids)
        for _step in range(MAX_STEPS):
            step = self.subscriptions.next_step(self.credential, target, known_ids)
            if step is None:
                return known_ids
            new_ids = self._send_step(step)
            if isinstance(new_ids, Outcome):
                return new_ids
            known_ids |= new_ids
        return later(INCOMPLETE, f"it takes more than {MAX_STEPS} calls")

    def repair(
        self, target: WantedSubscription, registration: FoundSubscription
    ) -> Mapping[str, str] | Outcome:
        """Repair a registration; return the external ids that are new."""
        done: dict[str, str] = {}
        ids: dict[str, str] = {}
        for _step in range(MAX_STEPS):
            step = self.subscriptions.next_repair(self.credential, target, registration, done)
            if step is None:
                return ids
            new_ids = self._send_step(step)
            if isinstance(new_ids, Outcome):
                return new_ids
            done |= {step.name: "", **new_ids}
            ids |= new_ids
        return later(INCOMPLETE, f"it takes more than {MAX_STEPS} calls")

    def remove(self, external_id: str) -> Outcome | None:
        """Remove a registration; None if it is removed, or the Outcome of a refusal."""
        done: dict[str, str] = {}
        for _step in range(MAX_STEPS):
            step = self.subscriptions.next_removal(self.credential, external_id, done)
            if step is None:
                return None
            new_ids = self._send_step(step)
            if isinstance(new_ids, Outcome):
                return new_ids
            done |= {step.name: "", **new_ids}
        return later(INCOMPLETE, f"it takes more than {MAX_STEPS} calls")

    def _list_secrets(self) -> tuple[str, ...]:
        return (*collect_secrets(self.credential), *self.own_secrets)

    def _send_step(self, step: Step) -> Mapping[str, str] | Outcome:
        self.check_allowed()
        return self._send(lambda: step.request, partial(self.subscriptions.parse_step, step.name))

    def _send(
        self, build: Callable[[], Request], parse: Callable[[Response], T | Outcome]
    ) -> T | Outcome:
        return call_provider(
            self.connection,
            build,
            parse,
            call=self.call,
            now=self.clock(),
            secrets=self._list_secrets(),
            patience=self.patience,
            low_priority=self.low_priority,
        )
