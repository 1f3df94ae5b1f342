"""The orders: parsed from a form or JSON, priced, numbered and stored."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from sandbox.app.tables import Record, Table, iso
from sandbox.storage.journal import JournaledDict

CENT = Decimal("0.01")
LINES = 5  # of the form
MOST = Decimal(1_000_000_000)
PROTECTED = {"number", "tenant", "version", "updated_at", "deleted", "hub"}
Order = Record


class OrderBook:
    def __init__(self, state: Path):
        self.table = Table(state / "orders.jsonl", "number")
        self._events = JournaledDict(state / "order-events.jsonl", keep=5_000)
        self._received = max(map(int, self._events), default=0)

    def place(self, request_body: Mapping[str, Any], at: float) -> Order:
        """Raises ValueError with a sentence."""
        order = (
            parse_plain_order(request_body) if is_plain(request_body) else parse_order(request_body)
        )
        number = str(request_body.get("number") or "") or self.table.free_key(order["tenant"], "A-")
        if self.table.find(number, order["tenant"]):
            raise NumberTaken(f"There is an order {number} already.")
        order = {"number": number, "state": "placed", "placed_at": iso(at), **order, "hub": None}
        return self.table.put(order, at)

    def change(self, order: Order, at: float, **changes: Any) -> Order:
        return self.table.put({**without_stamp(order), **changes}, at)

    def record_answer(self, order: Order, at: float, *, status: int, text: str) -> None:
        """Record the hub's response; events of the hub may have changed the order in the
        meantime.
        """
        current = self.table.find(order["number"], order["tenant"])
        if current is None:
            return
        state = current.get("state")
        if state in ("placed", "not sent"):
            state = "placed" if 200 <= status < 300 else "not sent"
        self.change(current, at, state=state, hub={"status": status, "text": text})

    def find(self, number: Any, tenant: str = "") -> Order | None:
        return self.table.find(str(number), tenant)

    def orders(self, count: int) -> list[Order]:
        """Newest first."""
        return self.table.newest(count)

    def receive(self, event: dict[str, Any], tenant: str, at: float) -> None:
        """Store an event from the hub; an event about a known order may change its state."""
        self._received += 1
        self._events[str(self._received)] = {"at": at, "tenant": tenant, "event": event}
        kind, _, state = str(event.get("type", "")).partition(".")
        data = event.get("data")
        order = self.find(data.get("number"), tenant) if isinstance(data, dict) else None
        if kind == "order" and order and state not in ("", "created"):
            self.change(order, at, state=state[:40])

    def received(self) -> list[dict[str, Any]]:
        """Newest first."""
        return list(self._events.newest())

    def __len__(self) -> int:
        return len(self.table)

    def close(self) -> None:
        self.table.close()
        self._events.close()


class NumberTaken(ValueError):
    """An order of this tenant has that number."""


def without_stamp(record: Order) -> Order:
    """Return the record without the fields that each write sets."""
    return {name: value for name, value in record.items() if name not in ("version", "updated_at")}


def parse_order(request_body: Mapping[str, Any]) -> Order:
    values = {
        name: str(request_body.get(name) or "").strip()[:255]
        for name in ("tenant", "customer", "email", "currency")
    }
    currency = (values["currency"] or "EUR").upper()
    if not values["customer"]:
        raise ValueError("The order needs a customer.")
    if "@" not in values["email"]:
        raise ValueError("The order needs the customer's e-mail address.")
    if len(currency) != 3 or not currency.isalpha():
        raise ValueError("The currency must have three letters, such as EUR.")
    items = request_body.get("items")
    if not isinstance(items, list) or not items:
        raise ValueError("The order needs at least one line.")
    lines = [parse_order_line(item) for item in items]
    total = sum((item["quantity"] * Decimal(item["price"]) for item in lines), Decimal())
    return {**values, "currency": currency, "total": str(total.quantize(CENT)), "items": lines}


def is_plain(request_body: Mapping[str, Any]) -> bool:
    """Whether it is an order of another system: a total, and no lines to price."""
    return "items" not in request_body and "total" in request_body


def parse_plain_order(request_body: Mapping[str, Any]) -> Order:
    """Raises ValueError with a sentence."""
    refuse_protected(request_body, but=("number", "tenant"))
    blank = {"tenant": "", "customer": "", "email": "", "currency": "EUR", "items": []}
    return blank | {
        name: value for name, value in request_body.items() if name not in ("id", "number")
    }


def refuse_protected(fields: Mapping[str, Any], *, but: tuple[str, ...] = ()) -> None:
    """Raises ValueError with a sentence where a field is one that the application sets itself."""
    if wrong := sorted((PROTECTED - set(but)) & set(fields)):
        raise ValueError(f"{wrong[0]} cannot be set.")


def parse_order_line(item: Any) -> dict[str, Any]:
    try:
        name, quantity, price = (
            str(item["name"]).strip(),
            int(item["quantity"]),
            Decimal(str(item["price"])),
        )
        priced = price.is_finite() and 0 <= price <= MOST and 0 < quantity <= 1_000_000
    except (KeyError, TypeError, ValueError, InvalidOperation):
        name, priced = "", False
    if not name or not priced:
        raise ValueError("Each line needs a name, a quantity of at least 1 and a price.")
    return {"name": name[:255], "quantity": quantity, "price": str(price.quantize(CENT))}


def form_lines(form: Mapping[str, str]) -> list[dict[str, str]]:
    rows = [
        {key: form.get(f"{key}-{number}", "") for key in ("name", "quantity", "price")}
        for number in range(LINES)
    ]
    return [row for row in rows if row["name"].strip() or row["price"].strip()]


def build_event(order: Order) -> dict[str, Any]:
    names = ("number", "customer", "email", "total", "currency", "placed_at", "items")
    return {
        "id": f"order-{order['number']}",
        "type": "order.created",
        "data": {key: order[key] for key in names},
    }
