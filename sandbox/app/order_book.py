"""The orders: read from a form or JSON, priced, numbered, kept."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from sandbox.storage.journal import JournaledDict

CENT = Decimal("0.01")
FIRST = 1001
LINES = 5  # of the form
MOST = Decimal(1_000_000_000)
Order = dict[str, Any]


class OrderBook:
    def __init__(self, state: Path):
        self._orders = JournaledDict(state / "orders.jsonl")
        self._events = JournaledDict(state / "order-events.jsonl", keep=5_000)
        self._received = max(map(int, self._events), default=0)

    def place(self, wish: Mapping[str, Any], at: float) -> Order:
        """Raises ValueError with a sentence."""
        order = parse_order(wish)
        order = {
            "number": f"A-{FIRST + len(self._orders)}",
            "state": "placed",
            "placed_at": iso(at),
            **order,
        }
        order |= {"updated_at": order["placed_at"], "hub": None}
        self._orders[order["number"]] = order
        return order

    def change(self, number: str, at: float, **changes: Any) -> None:
        self._orders[number] = {**self._orders[number], **changes, "updated_at": iso(at)}

    def record_answer(self, number: str, at: float, *, status: int, text: str) -> None:
        """What the hub answered; by then its own events may have moved the order on."""
        state = self._orders[number]["state"]
        if state in ("placed", "not sent"):
            state = "placed" if 200 <= status < 300 else "not sent"
        self.change(number, at, state=state, hub={"status": status, "text": text})

    def find(self, number: Any) -> Order | None:
        return self._orders.get(str(number))

    def orders(self, tenant: str = "") -> list[Order]:
        """Oldest first."""
        return [order for order in self._orders.values() if tenant in ("", order["tenant"])]

    def receive(self, event: dict[str, Any], tenant: str, at: float) -> None:
        """An event from the hub; of an order that we know, it may change the state."""
        self._received += 1
        self._events[str(self._received)] = {"at": at, "tenant": tenant, "event": event}
        kind, _, state = str(event.get("type", "")).partition(".")
        data = event.get("data")
        order = self.find(data.get("number")) if isinstance(data, dict) else None
        if kind == "order" and order and state not in ("", "created"):
            self.change(order["number"], at, state=state[:40])

    def received(self) -> list[dict[str, Any]]:
        """Newest first."""
        return list(self._events.newest())

    def __len__(self) -> int:
        return len(self._orders)

    def close(self) -> None:
        self._orders.close()
        self._events.close()


def parse_order(wish: Mapping[str, Any]) -> Order:
    values = {
        name: str(wish.get(name) or "").strip()[:255]
        for name in ("tenant", "customer", "email", "currency")
    }
    currency = (values["currency"] or "EUR").upper()
    if not values["customer"]:
        raise ValueError("The order needs a customer.")
    if "@" not in values["email"]:
        raise ValueError("The order needs the customer's e-mail address.")
    if len(currency) != 3 or not currency.isalpha():
        raise ValueError("The currency must have three letters, such as EUR.")
    items = wish.get("items")
    if not isinstance(items, list) or not items:
        raise ValueError("The order needs at least one line.")
    lines = [parse_order_line(item) for item in items]
    total = sum((item["quantity"] * Decimal(item["price"]) for item in lines), Decimal())
    return {**values, "currency": currency, "total": str(total.quantize(CENT)), "items": lines}


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


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
