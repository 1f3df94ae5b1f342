"""Shipping labels that the hub requested from our application."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.app.tables import Table, iso

FIRST = 5001
Label = dict[str, Any]


class LabelBook:
    """The labels; a repeated request id returns the label that the first request created."""

    def __init__(self, state: Path):
        self.table = Table(state / "app-labels.jsonl", "number")
        self._made = {row["request"]: row for row in self.table.all() if "request" in row}

    def create(
        self, request_body: Mapping[str, Any], tenant: str, request: str, at: float
    ) -> Label:
        """Create a label; `request` is the id of the message. Raises ValueError with a sentence."""
        if request in self._made:
            return dict(self._made[request])
        order = str(request_body.get("order") or "").strip()
        if not order:
            raise ValueError("The label needs an order.")
        number = f"L-{FIRST + len(self.table)}"
        label = {
            "number": number,
            "request": request or number,
            "tenant": tenant,
            "created_at": iso(at),
            "order": order[:255],
            "recipient": str(request_body.get("recipient") or "")[:255],
            "address": str(request_body.get("address") or "")[:1000],
            "data": dict(request_body),
        }
        label = self.table.put(label, at)
        self._made[label["request"]] = label
        return label

    def all(self, tenant: str = "") -> list[Label]:
        """Oldest first."""
        return [label for label in self.table.all() if tenant in ("", label["tenant"])]

    def close(self) -> None:
        self.table.close()
