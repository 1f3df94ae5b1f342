"""The operational log of the application: a line for each thing that happened, by tenant."""

from pathlib import Path
from typing import Any

from sandbox.app.tables import Record, Table, iso

DIGITS = 12  # of the number of a line, so that lines are ordered as texts


class LogBook:
    def __init__(self, state: Path):
        self.table = Table(state / "app-logs.jsonl", "id")
        self._last = max((int(row["id"]) for row in self.table.all()), default=0)

    def add(self, tenant: str, message: str, at: float, **details: Any) -> None:
        self.table.put(self.numbered({"tenant": tenant, "message": message, **details}, at), at)

    def numbered(self, line: Record, at: float) -> Record:
        """Return the line with the next number, unless it has one."""
        number = int(line["id"]) if str(line.get("id") or "").isdigit() else self._last + 1
        self._last = max(self._last, number)
        return {"at": iso(at), "level": "info", **line, "id": log_key(str(number))}


def log_key(number: str) -> str:
    return number.rjust(DIGITS, "0")
