"""The records of all companies: numbered within their company, leads by UUID; what is deleted stays
for 30 days.
"""

from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from sandbox.pipedrive.accounts import Company
from sandbox.pipedrive.changes import Change
from sandbox.pipedrive.checks import Refusal, checked, invalid
from sandbox.pipedrive.kinds import KINDS, Kind
from sandbox.pipedrive.pipelines import pipelines, placed
from sandbox.storage.journal import JournaledDict

Record = dict[str, Any]
DEFAULTS: dict[str, Record] = {
    "persons": {"emails": [], "phones": [], "label_ids": [], "visible_to": 3},
    "organizations": {"label_ids": [], "visible_to": 3},
    "deals": {"status": "open", "value": 0, "label_ids": [], "visible_to": 3},
    "activities": {"type": "task", "done": False, "busy": False},
    "leads": {"label_ids": [], "was_seen": False, "is_archived": False, "visible_to": "3"},
    "notes": {},
}


class Records:
    def __init__(self, state: Path, random: Random):
        self._random = random
        self._rows = JournaledDict(state / "pipedrive-records.jsonl")
        self._tables: dict[tuple[str, str], dict[str, Record]] = defaultdict(dict)
        self._changes: list[Change] = []
        for key, row in self._rows.items():
            company, path, id = key.split("/")
            self._tables[company, path][id] = row

    def create(self, company: Company, kind: Kind, body: Any, at: float) -> Record:
        values = checked(company, kind, body, new=True)
        self._check_links(company, kind, values)
        if kind.path == "deals":
            first = {"pipeline_id": pipelines(company)[0]["id"]}
            values |= placed(company, values) or placed(company, first)
        now = stamp(kind, at)
        blank = {**dict.fromkeys(kind.fields), **DEFAULTS[kind.path]}
        owned = {
            "creator_user_id": company.user_id,
            "owner_id": company.user_id,
            "currency": company.currency,
        }
        previous = {
            name: value for name, value in owned.items() if name in (*blank, "creator_user_id")
        }
        times = {"add_time": now, "update_time": now}
        row = {
            "id": self._next_id(company, kind),
            **blank,
            **previous,
            **times,
            "is_deleted": False,
            "custom_fields": {},
        }
        return self._store(company, kind, row | stored(values), at)

    def update(self, company: Company, kind: Kind, id: str, body: Any, at: float) -> Record:
        row = self.read(company, kind, id)
        values = checked(company, kind, body, new=False)
        self._check_links(company, kind, values)
        if kind.path == "deals":
            values |= placed(company, values)
        custom = row["custom_fields"] | values.pop("custom_fields", {})
        changes = {"custom_fields": custom, "update_time": stamp(kind, at)}
        return self._store(company, kind, {**row, **stored(values), **changes}, at)

    def delete(self, company: Company, kind: Kind, id: str, at: float) -> None:
        row = self.read(company, kind, id)
        gone = {"is_deleted": True, "update_time": stamp(kind, at)}
        self._store(company, kind, row | gone, at)

    def read(self, company: Company, kind: Kind, id: str) -> Record:
        row = self._tables[company.company, kind.path].get(id)
        if row is None or row["is_deleted"]:
            raise Refusal(404, f"{kind.name} not found")
        return row

    def all(self, company: Company, kind: Kind, *, deleted: bool = False) -> list[Record]:
        rows = self._tables[company.company, kind.path].values()
        return [row for row in rows if deleted or not row["is_deleted"]]

    def take_changes(self) -> list[Change]:
        """Return what was changed since this was asked last, oldest first."""
        changes, self._changes = self._changes, []
        return changes

    def knows(self, company: Company) -> bool:
        return any(self._tables[company.company, path] for path in KINDS)

    def __len__(self) -> int:
        return sum(not row["is_deleted"] for row in self._rows.values())

    def close(self) -> None:
        self._rows.close()

    def _next_id(self, company: Company, kind: Kind) -> int | str:
        if kind.path == "leads":
            return str(UUID(int=self._random.getrandbits(128), version=4))
        return len(self._tables[company.company, kind.path]) + 1

    def _check_links(self, company: Company, kind: Kind, values: Record) -> None:
        for name, path in kind.links.items():
            id = values.get(name)
            table = self._tables[company.company, path]
            if id is not None and (str(id) not in table or table[str(id)]["is_deleted"]):
                raise invalid(kind, f"{name}: {KINDS[path].name} {id} not found")
        for name in ("owner_id", "user_id"):
            if values.get(name) not in (None, company.user_id):
                raise invalid(kind, f"{name}: User {values[name]} not found")

    def _store(self, company: Company, kind: Kind, row: Record, at: float) -> Record:
        id = str(row["id"])
        old = self._tables[company.company, kind.path].get(id)
        self._changes.append(Change(company, kind, old, None if row["is_deleted"] else row, at))
        self._tables[company.company, kind.path][id] = row
        self._rows[f"{company.company}/{kind.path}/{id}"] = row
        return row


def stored(values: Record) -> Record:
    """Flags of v1 come as 0 and 1, and go as booleans."""
    return {
        name: bool(value) if name.endswith("_flag") else value for name, value in values.items()
    }


def stamp(kind: Kind, at: float) -> str:
    """v2 writes RFC 3339; v1 a moment of UTC without saying so, and leads milliseconds."""
    when = datetime.fromtimestamp(at, UTC)
    if kind.path == "notes":
        return f"{when:%Y-%m-%d %H:%M:%S}"
    if kind.path == "leads":
        return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"
