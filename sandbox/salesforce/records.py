"""The records of all orgs: write, find, and roll back."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from sandbox.salesforce.accounts import Org
from sandbox.salesforce.checks import Refusal, check_body
from sandbox.salesforce.ids import id_of, long
from sandbox.salesforce.ordered_records import OrderedRecords
from sandbox.salesforce.planting import planted_row, planted_values
from sandbox.salesforce.schema import USER, Object, objects
from sandbox.salesforce.soql.conditions import (
    Comparison,
    first_change,
    first_id,
    required,
    stamp_of,
)
from sandbox.salesforce.soql.parser import Query
from sandbox.storage.journal import JournaledDict

Record = dict[str, Any]
GONE = Refusal(404, "NOT_FOUND", "The requested resource does not exist")


class SavedRecord(NamedTuple):
    """A record that a call created or changed; `kind` is the name of its object."""

    kind: str
    id: str
    is_new: bool


class Records:
    def __init__(self, state: Path):
        self._rows = JournaledDict(state / "salesforce-records.jsonl")
        self._tables: dict[tuple[str, str], OrderedRecords] = defaultdict(OrderedRecords)
        self._index: dict[tuple[str, str, str, str], set[str]] = defaultdict(set)
        self._number = 0
        self._undo: list[tuple[str, Record | None]] = []
        self._place_all(self._rows)

    def create(self, org: Org, kind: Object, body: Any, at: float, *, author: str = "") -> str:
        """Create a record, and return its id. `author` is a user; empty: who authorized us."""
        if kind.read_only:
            message = f"entity type cannot be inserted: {kind.name}"
            raise Refusal(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message)
        values = check_body(kind, body, new=True)
        self._check_references(org, kind, values)
        self._no_duplicate(org, kind, values)
        self._number += 1
        now = stamp(at)
        row = {
            "Id": id_of(kind.prefix, self._number),
            "IsDeleted": False,
            "CreatedDate": now,
            **dict.fromkeys(("CreatedById", "OwnerId"), long(author or org.user)),
            **values,
        }
        self._store(org, kind, row | stamp_change(org, at, author))
        return str(row["Id"])

    def update(
        self, org: Org, kind: Object, id: str, body: Any, at: float, *, author: str = ""
    ) -> None:
        row = self.read(org, kind, id)
        values = check_body(kind, body, new=False)
        self._check_references(org, kind, values)
        self._no_duplicate(org, kind, values, but=row["Id"])
        self._store(org, kind, {**row, **values, **stamp_change(org, at, author)})

    def delete(self, org: Org, kind: Object, id: str, at: float) -> None:
        row = self.read(org, kind, id)
        self._store(org, kind, {**row, "IsDeleted": True, **stamp_change(org, at)})

    def read(self, org: Org, kind: Object, id: str) -> Record:
        row = self.latest(org, kind, id)
        if row is None:
            raise GONE
        if row["IsDeleted"]:
            raise Refusal(404, "ENTITY_IS_DELETED", "entity is deleted")
        return row

    def found(self, org: Org, kind: Object, field: str, value: Any) -> list[Record]:
        """The living records whose external id has this value."""
        table = self._tables[org.org, kind.name].rows
        ids = self._index[org.org, kind.name, field, str(value).lower()]
        return [table[id] for id in sorted(ids) if not table[id]["IsDeleted"]]

    def all(self, org: Org, kind: Object, *, deleted: bool = False) -> list[Record]:
        rows = self._tables[org.org, kind.name].rows.values()
        return [row for row in rows if deleted or not row["IsDeleted"]]

    def selected(self, org: Org, kind: Object, query: Query) -> tuple[Iterable[Record], bool]:
        """The records among which those of a query are, deleted ones too, and whether they stand in
        its order.
        """
        table = self._tables[org.org, kind.name]
        for comparison in required(query.where):
            if comparison.name == "Id" and comparison.sign in ("=", "IN"):
                ids = comparison.want if comparison.sign == "IN" else [comparison.want]
                return table.having(ids), False
            if is_indexed(comparison):
                return self._indexed(org, kind, comparison.name, comparison.want), False
        if query.order == [("Id", False)]:
            return table.by_id(first_id(query.where)), True
        is_ordered = query.order == [("SystemModstamp", False), ("Id", False)]
        return table.by_change(first_change(query.where)), is_ordered

    def has_records_of(self, org: Org) -> bool:
        return any(table.rows for (owner, _), table in self._tables.items() if owner == org.org)

    def __len__(self) -> int:
        return sum(not row["IsDeleted"] for row in self._rows.values())

    def begin(self) -> None:
        """A new call: what earlier ones wrote stays."""
        self._undo = []

    def take_saved(self) -> list[SavedRecord]:
        """Return what was saved since the last call, each record once, without deleted ones."""
        saved: dict[str, SavedRecord] = {}
        for key, old in self._undo:
            _, kind, id = key.split("/")
            saved.setdefault(key, SavedRecord(kind, self._rows[key]["Id"], old is None))
        self._undo = []
        return [one for key, one in saved.items() if not self._rows[key]["IsDeleted"]]

    def latest(self, org: Org, kind: Object, id: str) -> Record | None:
        """Return a record as it is now, also when it is deleted."""
        return self._tables[org.org, kind.name].rows.get(id[:15])

    def plant(self, org: Org, kind: Object, rows: Iterable[Record], at: float) -> list[str]:
        """Store records as they are given, without what the API refuses, and return their ids.

        One with the `Id` of another changes it. Raises ValueError with a sentence.
        """
        planted: dict[str, Record] = {}
        for seed in rows:
            values = planted_values(kind, seed)
            old = self.latest(org, kind, values.get("Id", ""))
            if "Id" not in values:
                self._number += 1
                values["Id"] = id_of(kind.prefix, self._number)
            row = with_name(planted_row(values, old or {}, stamp(at)))
            planted[f"{org.org}/{kind.name}/{row['Id'][:15]}"] = row
        for key in planted:
            org_id, name, id = key.split("/")
            self._forget(org_id, name, id, self._rows.get(key) or {})
        self._rows.store_all(planted)
        self._place_all(planted)
        return [row["Id"] for row in planted.values()]

    def rename_field(self, org: Org, kind: Object, old: str, new: str) -> None:
        """Move the values of a field to another name; no message is sent."""
        for row in self.all(org, kind, deleted=True):
            if old in row:
                renamed = {new if name == old else name: value for name, value in row.items()}
                self._store(org, kind, renamed)
        self.begin()

    def mark(self) -> int:
        return len(self._undo)

    def roll_back(self, mark: int) -> None:
        """Take back every write since mark()."""
        undo, self._undo = self._undo[mark:], self._undo[:mark]
        for key, old in reversed(undo):
            self._remove(key)
            if old is not None:
                self._place(key, old)
                self._rows[key] = old
            else:
                del self._rows[key]

    def close(self) -> None:
        self._rows.close()

    def _check_references(self, org: Org, kind: Object, values: Record) -> None:
        """A reference names a living record of the right object; it is kept with 18 characters."""
        names = {target.prefix: target.name for target in objects(org).values()}
        for name, value in values.items():
            field = kind.fields[name.lower()]
            if field.type != "reference" or value is None:
                continue
            target = names.get(value[:3], "")
            if target == USER.name and value[:15] in (org.user[:15], org.colleague[:15]):
                values[name] = long(value)
                continue
            if field.refers not in ("", target):
                message = f"{field.name}: id value of incorrect type: {value}"
                raise Refusal(400, "FIELD_INTEGRITY_EXCEPTION", message, [field.name])
            row = self._tables[org.org, target].rows.get(value[:15])
            if row is None:
                message = "invalid cross reference id"
                raise Refusal(400, "INVALID_CROSS_REFERENCE_KEY", message, [field.name])
            if row["IsDeleted"]:
                raise Refusal(400, "ENTITY_IS_DELETED", "entity is deleted", [field.name])
            values[name] = row["Id"]

    def _no_duplicate(self, org: Org, kind: Object, values: Record, but: str = "") -> None:
        for name, value in values.items():
            if value in (None, "") or not kind.fields[name.lower()].unique:
                continue
            for row in self.found(org, kind, name, value):
                if row["Id"] != but:
                    message = (
                        f"duplicate value found: {name} duplicates value on record with id: "
                        f"{row['Id']}"
                    )
                    raise Refusal(400, "DUPLICATE_VALUE", message, [name])

    def _store(self, org: Org, kind: Object, row: Record) -> None:
        row = with_name(row)
        key = f"{org.org}/{kind.name}/{row['Id'][:15]}"
        self._undo.append((key, self._rows.get(key)))
        self._remove(key)
        self._place(key, row)
        self._rows[key] = row

    def _place(self, key: str, row: Record) -> None:
        org, kind, id = key.split("/")
        self._number = max(self._number, int(id[3:]))
        self._tables[org, kind].place(row)
        for entry in entries(org, kind, row):
            self._index[entry].add(id)

    def _place_all(self, rows: Mapping[str, Record]) -> None:
        by_table: dict[tuple[str, str], list[Record]] = defaultdict(list)
        for key, row in rows.items():
            org, kind, id = key.split("/")
            self._number = max(self._number, int(id[3:]))
            by_table[org, kind].append(row)
            for entry in entries(org, kind, row):
                self._index[entry].add(id)
        for table, placed in by_table.items():
            self._tables[table].place_all(placed)

    def _remove(self, key: str) -> None:
        org, kind, id = key.split("/")
        old = self._tables[org, kind].remove(id)
        self._forget(org, kind, id, old or {})

    def _forget(self, org: str, kind: str, id: str, row: Record) -> None:
        for entry in entries(org, kind, row):
            self._index[entry].discard(id)

    def _indexed(self, org: Org, kind: Object, field: str, value: str) -> list[Record]:
        table = self._tables[org.org, kind.name].rows
        ids = self._index[org.org, kind.name, field, value.lower()]
        return [table[id] for id in sorted(ids)]


def is_indexed(comparison: Comparison) -> bool:
    return (
        comparison.name.endswith("__c")
        and comparison.sign == "="
        and isinstance(comparison.want, str)
        and comparison.want != ""
    )


def with_name(row: Record) -> Record:
    """People are named by their first and last names."""
    if not {"FirstName", "LastName"} & set(row):
        return row
    name = f"{row.get('FirstName') or ''} {row.get('LastName') or ''}".strip()
    return {**row, "Name": name}


def entries(org: str, kind: str, row: Record) -> Iterator[tuple[str, str, str, str]]:
    """Where a record stands in the index: custom text fields only, external ids among them."""
    for name, value in row.items():
        if name.endswith("__c") and isinstance(value, str | int) and value != "":
            yield org, kind, name, str(value).lower()


def stamp_change(org: Org, at: float, author: str = "") -> Record:
    """Who changed a record last, and when."""
    times = dict.fromkeys(("LastModifiedDate", "SystemModstamp"), stamp(at))
    return {**times, "LastModifiedById": long(author or org.user)}


def stamp(at: float) -> str:
    return stamp_of(datetime.fromtimestamp(at, UTC))
