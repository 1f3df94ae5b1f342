"""What the demo shows, step by step: orders arrive everywhere, a refusal is waited out, our application hears back."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.registry import CONNECTORS
from hub.management.demo.data import CUSTOMERS, ITEMS, SYSTEMS, Customer
from hub.management.demo.desk import Desk, Line
from hub.management.demo.load import Told
from hub.outgoing.models import Delivery, Event
from hub.words import STATES, reason_of

RETRY_AFTER = 3  # seconds
Ticks = Callable[[str], Iterable[None]]  # looks again and again, until it is too late; told what is awaited


class Disappointed(Exception):
    """Something did not come out as it should; a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    detail: str
    ids: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """An order of a customer, and the event that the hub made of it."""

    customer: Customer
    number: str
    event: Event

    def stands_in(self, line: Line) -> bool:
        return re.search(rf"\b{re.escape(self.number)}\b", line["body"]) is not None


@dataclass(frozen=True, slots=True)
class Story:
    desk: Desk
    told: Told
    ticks: Ticks

    def tell(self) -> Iterator[Step]:
        """Raises NotRunning, Disappointed."""
        self.desk.insist()
        yield Step("running", f"The desk is running: hub {self.desk.hub}, sandbox {self.desk.sandbox}")
        since = self.desk.seq()
        orders = []
        for customer in CUSTOMERS:
            order = self.place(customer)
            orders.append(order)
            yield placed(order)
        yield from self.arrivals(orders, since)
        yield from self.refusal(CUSTOMERS[0])
        yield from self.hears_back(orders[-1])

    def place(self, customer: Customer) -> Order:
        order = self.desk.order({"tenant": customer.reference, "items": ITEMS, **customer.buyer})
        told = order["hub"] or {"status": 0, "text": "nothing"}
        if told["status"] not in (200, 202):
            raise Disappointed(
                f"The hub did not take order {order['number']} of {customer.name}: "
                f"it answered {told['status']}, {told['text'][:300]}"
            )
        event = Event.unscoped.get(tenant__reference=customer.reference, sender_id=f"order-{order['number']}")
        return Order(customer, order["number"], event)

    def arrivals(self, orders: Iterable[Order], since: int, systems: Iterable[str] = SYSTEMS) -> Iterator[Step]:
        """Each as it comes, until every order is in every system."""
        awaited = {(order.customer.account(system), system): order for order in orders for system in systems}
        for _ in self.ticks("the orders"):
            for line in self.desk.ledger(since):
                since = line["seq"]
                for (account, system), order in list(awaited.items()):
                    if line["system"] == system and order.stands_in(line):
                        insist_on(account, line)
                        if line["status"] < 300:
                            del awaited[account, system]
                        yield arrived(order, line)
            if not awaited:
                return
        raise Disappointed("\n".join(missing(order, system) for (_, system), order in awaited.items()))

    def refusal(self, customer: Customer) -> Iterator[Step]:
        """Slack refuses one message for a while; then it arrives."""
        self.desk.fault(system="slack", account=customer.team, retry_after=RETRY_AFTER)
        yield Step("fault", f"From now on Slack refuses the next message of {customer.name} for {RETRY_AFTER} s")
        since = self.desk.seq()
        order = self.place(customer)
        yield placed(order)
        met = []
        for step in self.arrivals([order], since):
            met += [step] if step.ids["system"] == "slack" else []
            yield step
        gap = (moment(met[-1]) - moment(met[0])).total_seconds()
        if len(met) != 2 or gap < RETRY_AFTER:
            raise Disappointed(f"Slack met order {order.number} {len(met)} times, within {gap:.1f} s")
        yield Step("waited", f"The hub waited {gap:.1f} s, as Slack asked, and lost nothing", {"seconds": gap})

    def hears_back(self, order: Order) -> Iterator[Step]:
        """The other way round: something happens to an order, and our application hears of it."""
        since = self.desk.seq()
        key = next(entry["key"] for entry in self.told["tenants"] if entry["reference"] == order.customer.reference)
        event = {"id": f"shipped-{order.number}", "type": "order.shipped", "data": {"number": order.number}}
        answer = self.desk.publish(event, key=key)
        if answer.status not in (200, 202):
            raise Disappointed(f"The hub did not take order.shipped: {answer.status} {answer.text()[:300]}")
        told = Event.unscoped.get(tenant=order.event.tenant_id, sender_id=event["id"])
        shipped = Order(order.customer, order.number, told)
        yield Step("told", f"Order {order.number} was shipped: event {told.public_id}", {"event": str(told.public_id)})
        yield from self.arrivals([shipped], since, systems=["app"])


def placed(order: Order) -> Step:
    ids = {"tenant": order.customer.reference, "number": order.number, "event": str(order.event.public_id)}
    return Step("placed", f"{order.customer.name} has order {order.number}: event {order.event.public_id}", ids)


def arrived(order: Order, line: Line) -> Step:
    system = line["system"]
    delivery = delivery_of(order, system)
    came = line["status"] < 300
    detail = f"{CONNECTORS[system].label} {'has' if came else 'refuses'} {order.number} of {order.customer.name}"
    ids = {
        "tenant": order.customer.reference,
        "system": system,
        "account": line["account"],
        "number": order.number,
        "delivery": str(delivery.public_id),
        "message": delivery.message_id,
        "ledger": line["seq"],
        "status": line["status"],
        "at": line["at"],
    }
    return Step("arrived" if came else "refused", f"{detail}: delivery {delivery.public_id}, ledger {line['seq']}", ids)


def insist_on(account: str, line: Line) -> None:
    if line["account"] != account:
        raise Disappointed(f"Ledger {line['seq']} is under the account {line['account']!r} instead of {account!r}")


def missing(order: Order, system: str) -> str:
    label = CONNECTORS[system].label
    delivery = delivery_of(order, system)
    words = delivery.reason and reason_of(delivery.reason, system=label).sentence
    state = words or STATES[delivery.state].sentence
    return f"Order {order.number} did not arrive in {label} of {order.customer.name}: {delivery.public_id}. {state}"


def delivery_of(order: Order, system: str) -> Delivery:
    return Delivery.unscoped.get(event=order.event, route__connector_key=system)


def moment(step: Step) -> datetime:
    return datetime.fromisoformat(step.ids["at"])
