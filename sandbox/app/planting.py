"""Records that the control plants in the application: any fields, whole or as tombstones."""

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from sandbox.app.log_book import LogBook
from sandbox.app.order_book import without_stamp
from sandbox.app.tables import Record, Table, iso

DEFAULT_PREFIX = {"orders": "A-", "customers": "C-", "users": "U-", "labels": "L-"}
FIRST = 1001


def plant(
    tables: Mapping[str, Table],
    log: LogBook,
    tenant: str,
    object: str,
    rows: Iterable[Record],
    at: float,
) -> list[str]:
    """Store records of a tenant, and return their keys. Raises ValueError with a sentence.

    A record with the key of another changes it; one with `deleted` becomes a tombstone.
    """
    if object not in tables:
        raise ValueError(f"object is one of {', '.join(sorted(tables))}")
    if not tenant:
        raise ValueError("account is the reference of a tenant")
    table, prefix = tables[object], DEFAULT_PREFIX.get(object, "")
    numbered = (f"{prefix}{number}" for number in count(FIRST + len(table)))
    free = (key for key in numbered if table.get(tenant, key) is None)
    complete = []
    for row in rows:
        given = {name: value for name, value in row.items() if name != "version"}
        given["tenant"] = tenant
        if object == "logs":
            complete.append(log.numbered(given, at))
            continue
        key = given.get(table.key)
        given[table.key] = next(free) if key in (None, "") else str(key)
        complete.append(complete_record(table, object, given, at))
    return [str(record[table.key]) for record in table.put_all(complete, at)]


def numbered_users(given: Iterable[Record]) -> list[Record]:
    """The users that a tenant begins with; one without an id is numbered by its place."""
    prefix = DEFAULT_PREFIX["users"]
    return [
        {**user, "id": str(user.get("id") or f"{prefix}{number}")}
        for number, user in enumerate(given, FIRST)
    ]


def complete_record(table: Table, object: str, given: Record, at: float) -> Record:
    """The record over the one with its key, or a tombstone."""
    if given.get("deleted"):
        kept = (table.key, "tenant", "updated_at")
        return {name: given[name] for name in kept if name in given} | {"deleted": True}
    old = table.get(given["tenant"], given[table.key])
    known = {} if old is None or old.get("deleted") else without_stamp(old)
    return (order_defaults(at) if object == "orders" else {}) | known | given


def order_defaults(at: float) -> dict[str, Any]:
    return {"state": "placed", "placed_at": iso(at), "hub": None}


def template(object: str) -> dict[str, Any]:
    """The fields of a generated record, with {n} for its number."""
    if object == "orders":
        items = [{"name": "Tea", "quantity": 1, "price": "{n}.50"}]
        return {
            "number": "A-{n}",
            "customer": "Customer {n}",
            "email": "customer{n}@example.org",
            "currency": "EUR",
            "total": "{n}.50",
            "items": items,
        }
    if object == "logs":
        return {"message": "Line {n}"}
    if object == "labels":
        return {"number": "L-{n}", "order": "A-{n}"}
    prefix = DEFAULT_PREFIX.get(object, "")
    return {"id": f"{prefix}{{n}}", "name": "Person {n}", "email": "person{n}@example.org"}
