"""Records of the application: by tenant, ordered by their key; deleted ones stay as tombstones."""

from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from sandbox.storage.journal import JournaledDict

Record = dict[str, Any]
FIRST = 1001
LIMIT, LIMIT_MAX = 1000, 5000  # records on a page
IDS_MAX = 500
PAGE_PARAMETERS = {"tenant", "after", "limit", "updated_since", "updated_until"}
PAGE_PARAMETERS |= {"include_deleted", "ids"}


@dataclass
class TenantRecords:
    rows: dict[str, Record] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)  # sorted


@dataclass(frozen=True)
class PageQuery:
    """The parameters of a page; times are normalized, and empty where there is no bound."""

    tenant: str = ""
    after: str = ""
    limit: int = LIMIT
    since: str = ""
    until: str = ""
    with_deleted: bool = False
    ids: frozenset[str] = frozenset()
    equals: Mapping[str, str] = field(default_factory=dict)

    def selects(self, record: Record) -> bool:
        if record.get("deleted") and not self.with_deleted:
            return False
        changed_at = record["updated_at"]
        if changed_at < self.since or (self.until and changed_at >= self.until):
            return False
        return all(
            name in record and as_text(record[name]) == value for name, value in self.equals.items()
        )


class Table:
    """The records of one object, such as orders. `key` is the field that names a record."""

    def __init__(self, path: Path, key: str):
        self.key = key
        self._journal = JournaledDict(path)
        self._tenants: dict[str, TenantRecords] = {}
        self._tenant_of: dict[str, str] = {}  # of a key, where it was used first
        for stored_key, record in list(self._journal.items()):
            complete = {"version": 1, "tenant": ""} | record
            complete["updated_at"] = normalized(
                str(record.get("updated_at") or record.get("created_at") or iso(0))
            )
            if stored_key != self._journal_key(complete):  # of an earlier release
                del self._journal[stored_key]
                self._journal[self._journal_key(complete)] = complete
            self._place([complete])

    def get(self, tenant: str, key: str) -> Record | None:
        """Return a record or its tombstone."""
        records = self._tenants.get(tenant)
        return records.rows.get(key) if records else None

    def find(self, key: str, tenant: str = "") -> Record | None:
        """Return a record that is not deleted; without a tenant, the first one of any."""
        record = self.get(tenant or self._tenant_of.get(key, ""), key)
        return None if record is None or record.get("deleted") else record

    def put(self, record: Mapping[str, Any], at: float) -> Record:
        """Store a record, in place of the one with its key."""
        (stored,) = self.put_all([record], at)
        return stored

    def put_all(self, records: Iterable[Mapping[str, Any]], at: float) -> list[Record]:
        """Store records; `updated_at` is `at` unless they state it, `version` counts the writes."""
        versions: dict[tuple[str, str], int] = {}
        stored = []
        for record in records:
            tenant, key = str(record["tenant"]), str(record[self.key])
            old = self.get(tenant, key)
            version = versions.get((tenant, key), old["version"] if old else 0) + 1
            versions[tenant, key] = version
            updated_at = normalized(str(record.get("updated_at") or iso(at)))
            stored.append({**record, "version": version, "updated_at": updated_at})
        self._place(stored)
        self._journal.store_all({self._journal_key(record): record for record in stored})
        return stored

    def free_key(self, tenant: str, prefix: str) -> str:
        """The next key that no record of the tenant has."""
        numbers = count(FIRST + len(self))
        return next(key for n in numbers if self.get(tenant, key := f"{prefix}{n}") is None)

    def delete(self, record: Record, at: float) -> Record:
        """Leave a tombstone in place of the record."""
        tombstone = {self.key: record[self.key], "tenant": record["tenant"], "deleted": True}
        return self.put(tombstone, at)

    def page(self, query: PageQuery) -> tuple[list[Record], str]:
        """Return a page in the order of the keys, and the key of its last record; "" at the end."""
        records: list[Record] = []
        for record in self._after(query):
            if not query.selects(record):
                continue
            if len(records) == query.limit:
                return records, str(records[-1][self.key])
            records.append(record)
        return records, ""

    def all(self) -> list[Record]:
        """List the records that are not deleted, in the order of their first storing."""
        return [record for record in self._journal.values() if not record.get("deleted")]

    def of_tenant(self, tenant: str) -> Iterator[Record]:
        """Every record of a tenant in the order of the keys, tombstones among them."""
        records = self._tenants.get(tenant, TenantRecords())
        yield from (records.rows[key] for key in records.keys)

    def newest(self, count: int) -> list[Record]:
        records: list[Record] = []
        for record in self._journal.newest():
            if len(records) == count:
                break
            if not record.get("deleted"):
                records.append(record)
        return records

    def __len__(self) -> int:
        return len(self._journal)

    def close(self) -> None:
        self._journal.close()

    def _after(self, query: PageQuery) -> Iterator[Record]:
        if not query.tenant:
            everything = (row for one in self._tenants.values() for row in one.rows.values())
            rows = sorted(everything, key=lambda row: (str(row[self.key]), row["tenant"]))
            yield from (row for row in rows if str(row[self.key]) > query.after)
            return
        records = self._tenants.get(query.tenant, TenantRecords())
        if query.ids:
            keys = sorted(key for key in query.ids if key in records.rows and key > query.after)
            yield from (records.rows[key] for key in keys)
            return
        for index in range(bisect_right(records.keys, query.after), len(records.keys)):
            yield records.rows[records.keys[index]]

    def _place(self, stored: list[Record]) -> None:
        fresh: dict[str, list[str]] = {}
        for record in stored:
            tenant, key = str(record["tenant"]), str(record[self.key])
            records = self._tenants.setdefault(tenant, TenantRecords())
            if key not in records.rows:
                fresh.setdefault(tenant, []).append(key)
            records.rows[key] = record
            self._tenant_of.setdefault(key, tenant)
        for tenant, keys in fresh.items():
            add_sorted(self._tenants[tenant].keys, keys)

    def _journal_key(self, record: Mapping[str, Any]) -> str:
        return f"{record['tenant']}\n{record[self.key]}"


def add_sorted(keys: list[str], fresh: list[str]) -> None:
    if len(fresh) == 1:
        insort(keys, fresh[0])
        return
    keys.extend(fresh)
    keys.sort()


def parse_page_query(query: Mapping[str, str], *, ordered: Callable[[str], str]) -> PageQuery:
    """Parse the parameters of a page; any other one is a field with its value.

    `ordered` makes a key of `after` as it stands in the order. Raises ValueError with a sentence.
    """
    limit = query.get("limit") or str(LIMIT)
    if not (limit.isascii() and limit.isdigit() and 0 < int(limit) <= 10**9):
        raise ValueError("limit is a number from 1.")
    ids = frozenset(id for id in query.get("ids", "").split(",") if id)
    if len(ids) > IDS_MAX:
        raise ValueError(f"ids are at most {IDS_MAX}.")
    since, until = query.get("updated_since", ""), query.get("updated_until", "")
    return PageQuery(
        tenant=query.get("tenant", ""),
        after=ordered(query["after"]) if query.get("after") else "",
        limit=min(int(limit), LIMIT_MAX),
        since=normalized(since) if since else "",
        until=normalized(until) if until else "",
        with_deleted=query.get("include_deleted") in ("true", "1"),
        ids=ids,
        equals={name: value for name, value in query.items() if name not in PAGE_PARAMETERS},
    )


def as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def normalized(text: str) -> str:
    """A time in UTC with milliseconds, so that times compare as texts. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a time in ISO 8601.") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text[:40]!r} does not state its UTC offset.")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
