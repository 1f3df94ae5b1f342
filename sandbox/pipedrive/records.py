"""The records of all companies: numbered within their company, leads by UUID; what is deleted stays
for 30 days.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from sandbox.pipedrive.accounts import Company
from sandbox.pipedrive.changes import Change
from sandbox.pipedrive.checks import Refusal, check_body, invalid
from sandbox.pipedrive.kinds import KINDS, Kind
from sandbox.pipedrive.pipelines import pipelines, set_pipeline
from sandbox.pipedrive.sorted_records import SortedRecords
from sandbox.storage.journal import JournaledDict

Record = dict[str, Any]
DEFAULTS: dict[str, Record] = {
    "persons": {"emails": [], "phones": [], "label_ids": [], "visible_to": 3},
    "organizations": {"label_ids": [], "visible_to": 3},
    "deals": {
        "status": "open",
        "value": 0,
        "is_archived": False,
        "label_ids": [],
        "visible_to": 3,
    },
    "activities": {"type": "task", "done": False, "busy": False},
    "leads": {"label_ids": [], "was_seen": False, "is_archived": False, "visible_to": "3"},
    "notes": {},
}


class Records:
    def __init__(self, state: Path, random: Random):
        self._random = random
        self._rows = JournaledDict(state / "pipedrive-records.jsonl")
        self._tables: dict[tuple[str, str], SortedRecords] = defaultdict(SortedRecords)
        self._changes: list[Change] = []
        for key, row in self._rows.items():
            company, path, _ = key.split("/")
            self._tables[company, path].place(row)

    def create(self, company: Company, kind: Kind, body: Any, at: float) -> Record:
        values = check_body(company, kind, body, new=True)
        self._check_links(company, kind, values)
        if kind.path == "deals":
            first = {"pipeline_id": pipelines(company)[0]["id"]}
            values |= set_pipeline(company, values) or set_pipeline(company, first)
        row = self._blank(company, kind, at)
        values = derived_values(kind, row, values, at) | values
        return self._store(company, kind, row | convert_stored_values(values), at)

    def _blank(self, company: Company, kind: Kind, at: float) -> Record:
        """A new record with what Pipedrive fills in."""
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
        return {
            "id": self._next_id(company, kind),
            **blank,
            **previous,
            **times,
            "is_deleted": False,
            "custom_fields": {},
        }

    def update(self, company: Company, kind: Kind, id: str, body: Any, at: float) -> Record:
        row = self.read(company, kind, id)
        values = check_body(company, kind, body, new=False)
        self._check_links(company, kind, values)
        if kind.path == "deals":
            values |= set_pipeline(company, values)
        values = derived_values(kind, row, values, at) | values
        custom = row["custom_fields"] | values.pop("custom_fields", {})
        changes = {"custom_fields": custom, "update_time": stamp(kind, at)}
        return self._store(company, kind, {**row, **convert_stored_values(values), **changes}, at)

    def delete(self, company: Company, kind: Kind, id: str, at: float) -> None:
        row = self.read(company, kind, id)
        deletion = {"is_deleted": True, "update_time": stamp(kind, at)}
        self._store(company, kind, row | deletion, at)

    def read(self, company: Company, kind: Kind, id: str) -> Record:
        row = self._tables[company.company, kind.path].rows.get(id)
        if row is None or row["is_deleted"]:
            raise Refusal(404, f"{kind.name} not found")
        return row

    def all(self, company: Company, kind: Kind, *, deleted: bool = False) -> list[Record]:
        rows = self._tables[company.company, kind.path].rows.values()
        return [row for row in rows if deleted or not row["is_deleted"]]

    def sorted(self, company: Company, kind: Kind) -> SortedRecords:
        """All records, deleted ones among them, in the orders of the API v2."""
        return self._tables[company.company, kind.path]

    def plant(self, company: Company, kind: Kind, rows: Iterable[Record], at: float) -> list[str]:
        """Store records as given, without the checks of the API, and return their ids.

        A record with an existing `id` replaces the values of that record; no webhook is sent.
        Raises ValueError with a sentence.
        """
        table = self._tables[company.company, kind.path]
        planted: dict[str, Record] = {}
        for seed in rows:
            values = planted_values(kind, seed)
            old = table.rows.get(str(values.get("id")))
            before = old or self._blank(company, kind, at)
            row = {**before, **derived_values(kind, before, values, at), **values}
            row["update_time"] = values.get("update_time", stamp(kind, at))
            planted[f"{company.company}/{kind.path}/{row['id']}"] = row
            table.reserve(row)
        table.place_all(planted.values())
        self._rows.store_all(planted)
        return [str(row["id"]) for row in planted.values()]

    def move_custom_field(self, company: Company, kind: Kind, old: str, new: str) -> None:
        """Move the values of a custom field to another key, or drop them; no webhook is sent."""
        table = self._tables[company.company, kind.path]
        moved = [row for row in table.rows.values() if old in row["custom_fields"]]
        rows = {
            f"{company.company}/{kind.path}/{row['id']}": move_custom_value(row, old, new)
            for row in moved
        }
        table.place_all(rows.values())
        self._rows.store_all(rows)

    def take_changes(self) -> list[Change]:
        """Return the changes since the last call, oldest first."""
        changes, self._changes = self._changes, []
        return changes

    def has_records_of(self, company: Company) -> bool:
        return any(self._tables[company.company, path].rows for path in KINDS)

    def __len__(self) -> int:
        return sum(not row["is_deleted"] for row in self._rows.values())

    def close(self) -> None:
        self._rows.close()

    def _next_id(self, company: Company, kind: Kind) -> int | str:
        if kind.path == "leads":
            return str(UUID(int=self._random.getrandbits(128), version=4))
        return self._tables[company.company, kind.path].next_number()

    def _check_links(self, company: Company, kind: Kind, values: Record) -> None:
        for name, path in kind.links.items():
            id = values.get(name)
            table = self._tables[company.company, path].rows
            if id is not None and (str(id) not in table or table[str(id)]["is_deleted"]):
                raise invalid(kind, f"{name}: {KINDS[path].name} {id} not found")
        for name in ("owner_id", "user_id"):
            if values.get(name) not in (None, company.user_id):
                raise invalid(kind, f"{name}: User {values[name]} not found")

    def _store(self, company: Company, kind: Kind, row: Record, at: float) -> Record:
        id = str(row["id"])
        table = self._tables[company.company, kind.path]
        old = table.rows.get(id)
        self._changes.append(Change(company, kind, old, None if row["is_deleted"] else row, at))
        table.place(row)
        self._rows[f"{company.company}/{kind.path}/{id}"] = row
        return row


def planted_values(kind: Kind, seed: Record) -> Record:
    """The values as they are given; times as Pipedrive writes them, ids as numbers.

    Raises ValueError with a sentence.
    """
    known_names = {*kind.fields, "id", "is_deleted", "custom_fields", "add_time", "update_time"}
    if unknown := sorted(set(seed) - known_names):
        raise ValueError(f"{kind.path} have no field {unknown[0]!r}")
    values = dict(seed)
    for name in ("add_time", "update_time"):
        if name in values:
            moment = datetime.fromisoformat(str(values[name]))
            if moment.tzinfo is None:
                raise ValueError(f"{name} does not state its UTC offset")
            values[name] = stamp(kind, moment.timestamp())
    if "id" in values and kind.path != "leads":
        values["id"] = int(values["id"])
    return values


def move_custom_value(row: Record, old: str, new: str) -> Record:
    """The record with the value of a custom field under a new key; empty: without it."""
    custom = {key: value for key, value in row["custom_fields"].items() if key != old}
    return {**row, "custom_fields": custom | ({new: row["custom_fields"][old]} if new else {})}


def derived_values(kind: Kind, before: Record, values: Record, at: float) -> Record:
    """What follows from new values: the parts of a person's name, and when a deal was closed."""
    if kind.path == "persons" and values.get("name"):
        first, _, last = str(values["name"]).strip().rpartition(" ")
        return {"first_name": first or last, "last_name": last if first else None}
    status = values.get("status", before.get("status"))
    if kind.path != "deals" or status == before.get("status"):
        return {}
    closed = {"close_time": None, "won_time": None, "lost_time": None}
    if status == "open":
        return {**closed, "lost_reason": None}
    return {**closed, "close_time": stamp(kind, at), f"{status}_time": stamp(kind, at)}


def convert_stored_values(values: Record) -> Record:
    """Return the values to store; the flags of v1, 0 and 1, become booleans."""
    return {
        name: bool(value) if name.endswith("_flag") else value for name, value in values.items()
    }


def stamp(kind: Kind, at: float) -> str:
    """Return a time as the kind's API version writes it: RFC 3339 in v2, UTC without an offset in
    v1.
    """
    when = datetime.fromtimestamp(at, UTC)
    if kind.path == "notes":
        return f"{when:%Y-%m-%d %H:%M:%S}"
    if kind.path == "leads":
        return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"
