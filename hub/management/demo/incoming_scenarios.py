"""The demo's incoming scenarios: a question in Slack, a sign-up, an order in Salesforce."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.incoming.models import WebhookSubscription
from hub.management.demo.data import CUSTOMERS, Customer
from hub.management.demo.demo_rows import DemoSummary
from hub.management.demo.installation_client import InstallationClient, LedgerEntry

# Yields until the wait limit, once for each check; its argument names the awaited thing.
Poll = Callable[[str], Iterable[None]]


class ScenarioFailed(Exception):
    """A scenario did not reach its end; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """A scenario that reached its end, with the evidence in the sandbox's ledger."""

    name: str
    title: str
    detail: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """An event in one system, and the call by which it arrives in another.

    `expected_texts`: what the body of that call contains.
    """

    short_title: str
    title: str
    system: str
    event: str
    arrives_in: str
    expected_texts: tuple[str, ...]
    needs_registration: bool = True


SCENARIOS = (
    Scenario(
        "A question in Slack: an answer",
        "a question in Slack is answered in its thread",
        "slack",
        "app_mention",
        "slack",
        ("thread_ts",),
        needs_registration=False,
    ),
    Scenario(
        "A sign-up in Pipedrive: a lead in Salesforce",
        "a sign-up in Pipedrive is a lead in Salesforce",
        "pipedrive",
        "person.create",
        "salesforce",
        ("LastName",),
    ),
    Scenario(
        "An order in Salesforce: a shipping label",
        "an order in Salesforce is a shipping label in our application",
        "salesforce",
        "Order.create",
        "app",
        ('"order"',),
    ),
)


@dataclass(frozen=True, slots=True)
class IncomingScenarios:
    installation: InstallationClient
    demo: DemoSummary
    poll: Poll

    def run(self) -> Iterator[ScenarioResult]:
        """Yield each finished scenario. Raises ScenarioFailed and InstallationNotRunning."""
        customer = CUSTOMERS[0]
        for scenario in SCENARIOS:
            yield self.run_scenario(scenario, customer)

    def run_scenario(self, scenario: Scenario, customer: Customer) -> ScenarioResult:
        """Cause the event, and wait for the call in the ledger that shows its effect."""
        if scenario.needs_registration:
            self.wait_for_registration(scenario.system, customer)
        since = self.installation.read_ledger_position()
        account = customer.account(scenario.system)
        self.installation.cause_event(system=scenario.system, account=account, event=scenario.event)
        entry = self.wait_for_call(scenario, customer, since)
        ids = {"tenant": customer.reference, "ledger": entry["seq"], "at": entry["at"]}
        detail = f"{customer.name}: {scenario.title}"
        return ScenarioResult("arrived", scenario.short_title, detail, ids)

    def wait_for_registration(self, system: str, customer: Customer) -> None:
        """Wait until the hub's webhooks are registered there. Raises ScenarioFailed."""
        subscriptions = WebhookSubscription.unscoped.filter(
            tenant__reference=customer.reference, endpoint__connector_key=system
        )
        for _attempt in self.poll(f"the webhooks in {system}"):
            states = set(subscriptions.values_list("state", flat=True))
            if states == {"verified"}:
                return
        reasons = ", ".join(sorted({f"{row.key} {row.reason}" for row in subscriptions}))
        raise ScenarioFailed(f"The webhooks in {system} are not registered: {reasons or 'none'}")

    def wait_for_call(self, scenario: Scenario, customer: Customer, since: int) -> LedgerEntry:
        """Return the first call that shows the effect. Raises ScenarioFailed."""
        for _attempt in self.poll(scenario.title):
            for entry in self.installation.read_ledger(since):
                since = entry["seq"]
                is_there = entry["system"] == scenario.arrives_in and entry["status"] < 300
                if is_there and all(mark in entry["body"] for mark in scenario.expected_texts):
                    return entry
        raise ScenarioFailed(f"{customer.name}: {scenario.title}: it did not arrive")
