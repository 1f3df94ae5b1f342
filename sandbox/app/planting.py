"""Records that the control plants in the application: any fields, whole or as tombstones."""

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.app.log_book import LogBook
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

    A record with the key of another replaces it; one with `deleted` becomes a tombstone.
    """
    if object not in tables:
        raise ValueError(f"object is one of {', '.join(sorted(tables))}")
    if not tenant:
        raise ValueError("account is the reference of a tenant")
    table = tables[object]
    complete = [completed(table, log, object, tenant, row, at) for row in rows]
    return [str(record[table.key]) for record in table.put_all(complete, at)]


def completed(
    table: Table, log: LogBook, object: str, tenant: str, row: Record, at: float
) -> Record:
    given = {name: value for name, value in row.items() if name != "version"} | {"tenant": tenant}
    if object == "logs":
        return log.numbered(given, at)
    key = given.get(table.key)
    given[table.key] = (
        str(key) if key not in (None, "") else f"{DEFAULT_PREFIX[object]}{next_number(table)}"
    )
    if given.get("deleted"):
        kept = (table.key, "tenant", "updated_at")
        return {name: given[name] for name in kept if name in given} | {"deleted": True}
    return given if object != "orders" else order_defaults(at) | given


def order_defaults(at: float) -> dict[str, Any]:
    return {"state": "placed", "placed_at": iso(at), "hub": None}


def next_number(table: Table) -> int:
    return FIRST + len(table)


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
