"""The demo, step by step: orders in every system, a rate limit, an event for our application."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.registry import CONNECTORS
from hub.management.demo.data import CUSTOMERS, ITEMS, SYSTEMS, Customer
from hub.management.demo.demo_rows import DemoSummary
from hub.management.demo.installation_client import InstallationClient, LedgerEntry
from hub.outgoing.models import Delivery, Event
from hub.reason_codes import find_reason
from hub.state_texts import DELIVERY_STATES

RETRY_AFTER = 3  # seconds
# Yields until the wait limit, once for each check; its argument names the awaited thing.
Poll = Callable[[str], Iterable[None]]


class DemoFailed(Exception):
    """A step of the demo did not succeed; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class DemoStep:
    name: str
    detail: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """An order of a customer, and the event that the hub stored for it."""

    customer: Customer
    number: str
    event: Event

    def appears_in(self, entry: LedgerEntry) -> bool:
        return re.search(rf"\b{re.escape(self.number)}\b", entry["body"]) is not None


@dataclass(frozen=True, slots=True)
class Story:
    installation: InstallationClient
    demo: DemoSummary
    poll: Poll

    def run(self) -> Iterator[DemoStep]:
        """Yield each step when it is done.

        Raises InstallationNotRunning if the hub or the sandbox does not answer, and DemoFailed if
        a step does not succeed.
        """
        self.installation.require_ready()
        yield DemoStep(
            "running",
            f"The local installation is running: hub {self.installation.hub}, "
            f"sandbox {self.installation.sandbox}",
        )
        since = self.installation.read_ledger_position()
        orders = []
        for customer in CUSTOMERS:
            order = self.place_customer_order(customer)
            orders.append(order)
            yield describe_placed_order(order)
        yield from self.wait_for_arrivals(orders, since)
        yield from self.show_rate_limit(CUSTOMERS[0])
        yield from self.show_app_event(orders[-1])

    def place_customer_order(self, customer: Customer) -> Order:
        order = self.installation.place_order(
            {"tenant": customer.reference, "items": ITEMS, **customer.buyer}
        )
        hub_answer = order["hub"] or {"status": 0, "text": "nothing"}
        if hub_answer["status"] not in (200, 202):
            raise DemoFailed(
                f"The hub did not take order {order['number']} of {customer.name}: "
                f"it answered {hub_answer['status']}, {hub_answer['text'][:300]}"
            )
        event = Event.unscoped.get(
            tenant__reference=customer.reference, sender_id=f"order-{order['number']}"
        )
        return Order(customer, order["number"], event)

    def wait_for_arrivals(
        self, orders: Iterable[Order], since: int, systems: Iterable[str] = SYSTEMS
    ) -> Iterator[DemoStep]:
        """Yield each arrival until every order is in every system.

        Raises DemoFailed after the wait limit.
        """
        awaited = {
            (order.customer.account(system), system): order
            for order in orders
            for system in systems
        }
        for _ in self.poll("the orders"):
            for entry in self.installation.read_ledger(since):
                since = entry["seq"]
                for (account, system), order in list(awaited.items()):
                    is_of_order = entry["system"] == system and order.appears_in(entry)
                    if is_of_order and is_demo_account(account, entry):
                        if entry["status"] < 300:
                            del awaited[account, system]
                        yield describe_arrival(order, entry)
            if not awaited:
                return
        raise DemoFailed(
            "\n".join(
                describe_missing_order(order, system) for (_, system), order in awaited.items()
            )
        )

    def show_rate_limit(self, customer: Customer) -> Iterator[DemoStep]:
        """Make Slack reject a message with a rate limit, and show that it arrives afterwards."""
        self.installation.inject_fault(
            system="slack", account=customer.team, retry_after=RETRY_AFTER
        )
        yield DemoStep(
            "fault",
            f"Slack will reject the next message of {customer.name} for {RETRY_AFTER} s",
        )
        since = self.installation.read_ledger_position()
        order = self.place_customer_order(customer)
        yield describe_placed_order(order)
        slack_steps = []
        for step in self.wait_for_arrivals([order], since):
            slack_steps += [step] if step.evidence["system"] == "slack" else []
            yield step
        gap = (read_step_time(slack_steps[-1]) - read_step_time(slack_steps[0])).total_seconds()
        if len(slack_steps) != 2 or gap < RETRY_AFTER:
            raise DemoFailed(
                f"Slack received order {order.number} {len(slack_steps)} times, within {gap:.1f} s"
            )
        yield DemoStep(
            "waited",
            f"The hub waited {gap:.1f} s, as Slack asked, and lost nothing",
            {"seconds": gap},
        )

    def show_app_event(self, order: Order) -> Iterator[DemoStep]:
        """Publish an event for a shipped order, and show that our own application receives it."""
        since = self.installation.read_ledger_position()
        key = next(
            entry["key"]
            for entry in self.demo["tenants"]
            if entry["reference"] == order.customer.reference
        )
        event = {
            "id": f"shipped-{order.number}",
            "type": "order.shipped",
            "data": {"number": order.number},
        }
        response = self.installation.publish_event(event, key=key)
        if response.status not in (200, 202):
            raise DemoFailed(
                f"The hub did not take order.shipped: {response.status} {response.text()[:300]}"
            )
        shipped_event = Event.unscoped.get(tenant=order.event.tenant_id, sender_id=event["id"])
        shipped = Order(order.customer, order.number, shipped_event)
        yield DemoStep(
            "told",
            f"Order {order.number} was shipped: event {shipped_event.public_id}",
            {"event": str(shipped_event.public_id)},
        )
        yield from self.wait_for_arrivals([shipped], since, systems=["app"])


def describe_placed_order(order: Order) -> DemoStep:
    ids = {
        "tenant": order.customer.reference,
        "number": order.number,
        "event": str(order.event.public_id),
    }
    return DemoStep(
        "placed",
        f"{order.customer.name} has order {order.number}: event {order.event.public_id}",
        ids,
    )


def describe_arrival(order: Order, entry: LedgerEntry) -> DemoStep:
    system = entry["system"]
    delivery = find_order_delivery(order, system)
    is_accepted = entry["status"] < 300
    verb = "has" if is_accepted else "refuses"
    detail = f"{CONNECTORS[system].label} {verb} {order.number} of {order.customer.name}"
    ids = {
        "tenant": order.customer.reference,
        "system": system,
        "account": entry["account"],
        "number": order.number,
        "delivery": str(delivery.public_id),
        "message": delivery.message_id,
        "ledger": entry["seq"],
        "status": entry["status"],
        "at": entry["at"],
    }
    return DemoStep(
        "arrived" if is_accepted else "refused",
        f"{detail}: delivery {delivery.public_id}, ledger {entry['seq']}",
        ids,
    )


def is_demo_account(account: str, entry: LedgerEntry) -> bool:
    """Return whether a call is that of the customer's own account; False for an account that a
    person connected beside it. Raises DemoFailed for the other customer's.
    """
    others = {customer.account(entry["system"]) for customer in CUSTOMERS} - {account}
    if entry["account"] in others:
        raise DemoFailed(
            f"Ledger {entry['seq']} is under the account {entry['account']!r} instead of "
            f"{account!r}"
        )
    return bool(entry["account"] == account)


def describe_missing_order(order: Order, system: str) -> str:
    label = CONNECTORS[system].label
    delivery = find_order_delivery(order, system)
    reason_text = delivery.reason and find_reason(delivery.reason, system=label).sentence
    state = reason_text or DELIVERY_STATES[delivery.state].sentence
    return (
        f"Order {order.number} did not arrive in {label} of {order.customer.name}: "
        f"{delivery.public_id}. {state}"
    )


def find_order_delivery(order: Order, system: str) -> Delivery:
    """Return the delivery over the demo's own connection, which was made first."""
    deliveries = Delivery.unscoped.filter(event=order.event, route__connector_key=system)
    return deliveries.order_by("connection", "pk")[:1].get()


def read_step_time(step: DemoStep) -> datetime:
    return datetime.fromisoformat(step.evidence["at"])
