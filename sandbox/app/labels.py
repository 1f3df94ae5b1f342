"""Shipping labels: what the hub asked our application to print."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.app.order_book import iso
from sandbox.storage.journal import JournaledDict

FIRST = 5001
Label = dict[str, Any]


class LabelBook:
    """A request under an id that is known answers the label that it made."""

    def __init__(self, state: Path):
        self._labels = JournaledDict(state / "app-labels.jsonl")
        self._ids = {row["request"]: row["number"] for row in self._labels.values()}

    def create(self, wish: Mapping[str, Any], tenant: str, request: str, at: float) -> Label:
        """`request` is the id of the message. Raises ValueError with a sentence."""
        if request in self._ids:
            return dict(self._labels[self._ids[request]])
        order = str(wish.get("order") or "").strip()
        if not order:
            raise ValueError("The label needs an order.")
        number = f"L-{FIRST + len(self._labels)}"
        label = {
            "number": number,
            "request": request or number,
            "tenant": tenant,
            "created_at": iso(at),
            "order": order[:255],
            "recipient": str(wish.get("recipient") or "")[:255],
            "address": str(wish.get("address") or "")[:1000],
            "data": dict(wish),
        }
        self._labels[number] = label
        self._ids[label["request"]] = number
        return label

    def all(self, tenant: str = "") -> list[Label]:
        """Oldest first."""
        return [label for label in self._labels.values() if tenant in ("", label["tenant"])]

    def close(self) -> None:
        self._labels.close()
