"""How far a check or a removal of registrations has come, so that another task resumes it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self, TypeVar

from connectors.outcomes import Outcome
from connectors.webhook_sources import FoundSubscription, SubscriptionPage, WantedSubscription
from hub.incoming.registration.compare import Comparison
from hub.incoming.registration.outcomes import clean_evidence

Registration = TypeVar("Registration", FoundSubscription, WantedSubscription)


@dataclass(slots=True)
class Change:
    """A change at the system, with the ids that its calls returned.

    `done` also has the name of each step, as `Subscriptions.next_repair` expects it.
    """

    name: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)
    call_count: int = 0

    def record_step(self, name: str, new_ids: Mapping[str, str]) -> None:
        self.ids |= new_ids
        self.done |= {name: "", **new_ids}
        self.call_count += 1


@dataclass(slots=True)
class RegistrationProgress:
    """What was listed, what is left to change, and the change that has begun.

    `plan` identifies what the work is about: with another one it begins anew. The document contains
    what a system reported, secrets included, so it is stored sealed.
    """

    plan: str
    registrations: list[FoundSubscription] = field(default_factory=list)
    cursor: str = ""
    page_count: int = 0
    comparison: Comparison | None = None  # None: the list is not complete
    change: Change = field(default_factory=Change)
    failure: Outcome | None = None  # the first one
    not_removed: list[str] = field(default_factory=list)  # external ids

    def add_page(self, page: SubscriptionPage) -> None:
        self.registrations += [
            replace(entry, evidence=clean_evidence(entry)) for entry in page.subscriptions
        ]
        self.cursor = page.cursor
        self.page_count += 1

    def start_changes(self, comparison: Comparison) -> None:
        """Keep only what is left to do, as the list is complete."""
        self.comparison, self.registrations = comparison, []

    def begin_change(self, name: str) -> Change:
        """Return the change with this name if it has begun, otherwise a new one."""
        if self.change.name != name:
            self.change = Change(name)
        return self.change

    def record_failures(self, failures: list[Outcome]) -> None:
        for outcome in failures:
            first = Outcome(outcome.kind, outcome.reason, after=outcome.after)
            self.failure = self.failure or first

    def build_document(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def load(cls, document: Mapping[str, Any], plan: str) -> Self:
        """Build the progress from its document; a new one if that is of another plan, or empty."""
        if document.get("plan") != plan:
            return cls(plan)
        comparison, failure = document["comparison"], document["failure"]
        return cls(
            plan,
            _load_all(FoundSubscription, document["registrations"]),
            document["cursor"],
            document["page_count"],
            _load_comparison(comparison) if comparison else None,
            Change(**document["change"]),
            Outcome(**failure | {"paused_scopes": ()}) if failure else None,
            document["not_removed"],
        )


def identify_plan(*parts: object) -> str:
    """Return a digest of what the work is about; the parts are JSON values or times."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()


def _load_comparison(document: Mapping[str, Any]) -> Comparison:
    """Load what is left of a comparison; what it verified was stored at once."""
    return Comparison(
        unread={
            key: _load_all(FoundSubscription, [match])[0]
            for key, match in document.get("unread", {}).items()
        },
        missing=_load_all(WantedSubscription, document["missing"]),
        drifted={
            key: (_load_all(FoundSubscription, [match])[0], tuple(differences))
            for key, (match, differences) in document["drifted"].items()
        },
        orphans=_load_all(FoundSubscription, document["orphans"]),
    )


def _load_all(model: type[Registration], documents: list[dict[str, Any]]) -> list[Registration]:
    return [model(**entry | {"event_types": tuple(entry["event_types"])}) for entry in documents]
