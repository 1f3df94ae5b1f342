"""What the hub made of the changes: events, records, and writes to both systems."""

import json
import re
from collections import Counter

from bench.incoming.echo.judge import Mark, Published, Truth
from bench.incoming.echo.systems import ACCOUNTS, OBJECTS, TwoSystems
from hub.incoming.models import InboundItem
from hub.outgoing.models import Event, EventBody, RememberedWrite

# of calls that write records, and the fields that hold their names
RECORDS_PATH = re.compile(r"/api/v2/(persons|organizations)(/\d+)?$|/composite/sobjects$")
NAMES = frozenset({"name", "Name", "LastName"})


def list_published() -> list[Published]:
    """Return the events of both systems, in the order of publication."""
    bodies = EventBody.objects.in_bulk()
    published = []
    for event in Event.unscoped.filter(source__in=ACCOUNTS).order_by("pk"):
        data = json.loads(bytes(bodies[event.pk].body))["data"]
        values = dict(data["record"])
        if phones := values.get("phones"):
            values["phones"] = phones[0]["value"]
        changed = frozenset(data["previous"]) if "previous" in data else None
        at = event.accepted_at.timestamp()
        published.append(Published(event.type, data["id"], values, changed, at))
    return published


def list_second_records(systems: TwoSystems, truth: Truth) -> list[str]:
    """Return the marks of which a system has more than one record, or that no person created."""
    second = []
    for object in (object for objects in OBJECTS.values() for object in objects):
        rows = systems.list_records(object)
        marks = Counter(read_mark(str(row[object.name_field])) for row in rows)
        second += [mark for mark, count in marks.items() if count > 1 or mark not in truth.marks]
    return second


def describe_record(record: str) -> str:
    """Return what the hub received and wrote of a record, for a person who looks for the cause."""
    names = ("type", "state", "occurred_at", "received_at", "item_key")
    items = InboundItem.unscoped.filter(record=record).order_by("pk").values(*names)
    writes = RememberedWrite.unscoped.filter(record=record).order_by("written_at").values()
    return "\n".join(str(row) for row in (*items, *writes))


def list_marks(systems: TwoSystems) -> dict[tuple[str, str], Mark]:
    """Return the mark of each record, by object and id."""
    return {
        (object.key, str(row[object.id_field])): read_mark(str(row[object.name_field]))
        for objects in OBJECTS.values()
        for object in objects
        for row in systems.list_records(object)
    }


def list_writes(systems: TwoSystems) -> list[tuple[str, Mark]]:
    """Return system and mark of each record that calls of the API wrote."""
    calls = systems.sandbox.get_rows("/_control/ledger?since=0")
    return [
        (call["system"], read_mark(str(values[name])))
        for call in calls
        if call["method"] in ("POST", "PATCH") and RECORDS_PATH.search(call["path"])
        for body in [json.loads(call["body"])]
        for values in body.get("records", [body])
        for name in NAMES.intersection(values)
    ]


def read_mark(name: str) -> Mark:
    return name.partition(" ")[0]
