"""Records as the control plants them: any values, also those that the API refuses."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sandbox.salesforce.checks import NUMBERS
from sandbox.salesforce.ids import id_of, long
from sandbox.salesforce.schema import USER, Object
from sandbox.salesforce.soql.conditions import stamp_of

Record = dict[str, Any]
TIMES = ("CreatedDate", "LastModifiedDate", "SystemModstamp")
FIRST_USER = 101  # the number 1 is that of the user who authorized us


def planted_values(kind: Object, seed: Record) -> Record:
    """The values under their proper names, as they are given. Raises ValueError with a sentence.

    Numbers are numbers, ids have 18 characters and times are those of the API.
    """
    values = {}
    for name, value in seed.items():
        field = kind.field(name)
        if field is None:
            raise ValueError(f"{kind.name} has no field {name!r}")
        if field.type in NUMBERS and isinstance(value, str):
            value = float(value)
        values[field.name] = checked_time(value) if field.name in TIMES else value
    if "Id" in values:
        values["Id"] = checked_id(kind, str(values["Id"]))
    return values


def planted_row(values: Record, old: Record, now: str) -> Record:
    """The record: changed now, unless the values state when."""
    changed = values.get("SystemModstamp") or values.get("LastModifiedDate") or now
    row = {"IsDeleted": False, "CreatedDate": changed, **old, **values}
    return row | {"LastModifiedDate": changed, "SystemModstamp": changed}


def numbered_users(users: Iterable[Record]) -> list[Record]:
    """The users that an org begins with; one without an id is numbered by its place."""
    standard = {"IsActive": True, "UserType": "Standard"}
    return [
        {"Id": id_of(USER.prefix, number), **standard, **user}
        for number, user in enumerate(users, FIRST_USER)
    ]


def checked_id(kind: Object, id: str) -> str:
    """An id is the prefix of its object and a number, as those that are made here."""
    if not (id.startswith(kind.prefix) and id[3:15].isdigit() and len(id) in (15, 18)):
        example = id_of(kind.prefix, 1)
        raise ValueError(f"{id[:20]!r} is not an id of {kind.name}, such as {example}")
    return long(id)


def checked_time(value: Any) -> str:
    moment = datetime.fromisoformat(str(value))
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} does not state its UTC offset")
    return stamp_of(moment)
