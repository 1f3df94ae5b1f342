"""The calls of a check: list, create, repair and remove registrations at a system."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
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
from hub.connections.credentials.provider_call import (
    ExchangeRecorder,
    Patience,
    TimeSlice,
    call_provider,
)
from hub.connections.models import Connection
from hub.incoming.registration.progress import Change, RegistrationProgress

T = TypeVar("T")
LeaseTransaction = Callable[[], AbstractContextManager[None]]

MAX_PAGES = 40  # of a list of registrations; some systems list one on each
MAX_STEPS = 60  # calls of one change; a flow at Salesforce has up to 50 versions
INCOMPLETE = "incomplete"  # nothing is changed by a list that is cut


@dataclass(frozen=True, slots=True)
class RegistrationCalls:
    """The calls for one connection, with an opened credential; `progress` is where they continue.

    All raise TimeSliceEnded if a call may not begin any more.
    `check_allowed`: called before each call that changes something; it raises RegistrationLeaseLost
    if nothing more may be changed. `own_secrets`: of the endpoint; they are removed from all
    outcomes.
    """

    connection: Connection
    subscriptions: Subscriptions
    credential: Credential
    call: ExchangeRecorder
    time_slice: TimeSlice
    patience: Patience
    check_allowed: Callable[[], None]
    progress: RegistrationProgress
    own_secrets: tuple[str, ...] = field(default=(), repr=False)
    low_priority: bool = False  # deliveries go first

    def describe_last_exchange(self) -> str:
        """Return the last call with its response, without secrets, as evidence of a failure."""
        return self.call.describe(self._list_secrets())

    def list_all(self) -> list[FoundSubscription] | Outcome:
        """Read the pages of registrations that are left; return the Outcome if a page fails."""
        progress = self.progress
        while progress.page_count < MAX_PAGES:
            page = self._send(
                partial(self.subscriptions.list_request, self.credential, cursor=progress.cursor),
                partial(self.subscriptions.parse_list, cursor=progress.cursor),
            )
            if isinstance(page, Outcome):
                return page
            progress.add_page(page)
            if not progress.cursor:
                return list(self.subscriptions.merge_pages(progress.registrations))
        return later(INCOMPLETE, f"the list has more than {MAX_PAGES} pages")

    def read_details(self, registration: FoundSubscription) -> FoundSubscription | Outcome:
        """Return a registration with its details, or the Outcome of a refusal."""
        details = self._change(
            f"read {registration.external_id}",
            lambda change: self.subscriptions.next_detail(
                self.credential, registration, change.ids
            ),
        )
        return details if isinstance(details, Outcome) else replace(registration, details=details)

    def create(self, target: WantedSubscription) -> Mapping[str, str] | Outcome:
        """Create a registration, or complete one begun; return its external ids."""
        return self._change(
            f"create {target.key}",
            lambda change: self.subscriptions.next_step(self.credential, target, change.ids),
        )

    def repair(
        self, target: WantedSubscription, registration: FoundSubscription
    ) -> Mapping[str, str] | Outcome:
        """Repair a registration; return the external ids that are new."""
        return self._change(
            f"repair {target.key}",
            lambda change: self.subscriptions.next_repair(
                self.credential, target, registration, change.done
            ),
        )

    def remove(self, external_id: str) -> Outcome | None:
        """Remove a registration; None if it is removed, or the Outcome of a refusal."""
        result = self._change(
            f"remove {external_id}",
            lambda change: self.subscriptions.next_removal(
                self.credential, external_id, change.done
            ),
        )
        return result if isinstance(result, Outcome) else None

    def _change(
        self, name: str, find_step: Callable[[Change], Step | None]
    ) -> Mapping[str, str] | Outcome:
        """Make the calls of a change that are left; return the ids of all of its calls."""
        change = self.progress.begin_change(name)
        while change.call_count < MAX_STEPS:
            step = find_step(change)
            if step is None:
                return change.ids
            new_ids = self._send_step(step)
            if isinstance(new_ids, Outcome):
                return new_ids
            change.record_step(step.name, new_ids)
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
            now=self.time_slice.begin_call(),
            secrets=self._list_secrets(),
            patience=self.patience,
            low_priority=self.low_priority,
        )
