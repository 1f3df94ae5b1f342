"""Members of a workspace that the control plants, so that a directory has any size."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sandbox.slack.accounts import Team
from sandbox.storage.journal import JournaledDict

FIELDS = {
    *("id", "name", "real_name", "display_name", "email"),
    *("deleted", "is_bot", "is_admin", "is_restricted"),
}
TEMPLATE = {"name": "person{n}", "real_name": "Person {n}", "email": "person{n}@example.org"}


class PlantedUsers:
    def __init__(self, state: Path):
        self._rows = JournaledDict(state / "slack-users.jsonl")

    def plant(self, team: Team, rows: Iterable[dict[str, Any]]) -> list[str]:
        """Store members and return their ids; one with the id of another changes it. Raises
        ValueError with a sentence.
        """
        planted: dict[str, dict[str, Any]] = {}
        free = len(self._rows)
        for row in rows:
            if unknown := set(row) - FIELDS:
                raise ValueError(f"a user has no field {min(unknown)!r}")
            free += 1
            id = str(row.get("id") or f"U{team.team[1:]}{free:06d}")
            key = f"{team.team}/{id}"
            planted[key] = {**self._rows.get(key, {}), **row, "id": id}
        self._rows.store_all(planted)
        return [row["id"] for row in planted.values()]

    def of_team(self, team: Team) -> Iterator[dict[str, Any]]:
        prefix = f"{team.team}/"
        return (row for key, row in self._rows.items() if key.startswith(prefix))

    def close(self) -> None:
        self._rows.close()
