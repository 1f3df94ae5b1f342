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
        values = {name: value for name, value in row.items() if name != "version"}
        values["tenant"] = tenant
        if object == "logs":
            complete.append(log.numbered(values, at))
            continue
        key = values.get(table.key)
        values[table.key] = next(free) if key in (None, "") else str(key)
        complete.append(complete_record(table, object, values, at))
    return [str(record[table.key]) for record in table.put_all(complete, at)]


def numbered_users(users: Iterable[Record]) -> list[Record]:
    """The users that a tenant begins with; one without an id is numbered by its place."""
    prefix = DEFAULT_PREFIX["users"]
    return [
        {**user, "id": str(user.get("id") or f"{prefix}{number}")}
        for number, user in enumerate(users, FIRST)
    ]


def complete_record(table: Table, object: str, values: Record, at: float) -> Record:
    """The record over the one with its key, or a tombstone."""
    if values.get("deleted"):
        own_fields = (table.key, "tenant", "updated_at")
        return {name: values[name] for name in own_fields if name in values} | {"deleted": True}
    old = table.get(values["tenant"], values[table.key])
    stored = {} if old is None or old.get("deleted") else without_stamp(old)
    return (order_defaults(at) if object == "orders" else {}) | stored | values


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
