"""What the hub made of the changes: events, records, and writes to both systems."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from bench.incoming.echo.judge import Attempt, Mark, Published, Truth, Write
from bench.incoming.echo.systems import ACCOUNTS, OBJECTS, TwoSystems
from connectors.roles import parse_instant
from hub.incoming.models import InboundItem
from hub.incoming.processing.attribution import AttributedItem
from hub.incoming.processing.known_changes.echoes import build_change
from hub.incoming.processing.parsing import parse_messages
from hub.incoming.processing.stored_items import find_item
from hub.outgoing.models import Delivery, Event, EventBody, RememberedWrite

# of calls that write records, and the fields that hold their names
RECORDS_PATH = re.compile(r"/api/v2/(persons|organizations)(/\d+)?$|/composite/sobjects$")
NAMES = frozenset({"name", "Name", "LastName"})
CHANGED_AT = {"salesforce": "LastModifiedDate", "pipedrive": "update_time"}
SHOWN_FIELDS = (*sorted(NAMES), "Status", "Phone", "phones", "LastModifiedById")
WRITE_TIMES = ("written_at", "changed_from", "changed_until")


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
        changed_at = parse_instant(values[CHANGED_AT[event.source]])
        assert changed_at is not None, values
        published.append(
            Published(event.type, data["id"], values, changed, at, changed_at.timestamp())
        )
    return published


def list_second_records(systems: TwoSystems, truth: Truth) -> list[str]:
    """Return the marks of which a system has more than one record, or that no person created."""
    second = []
    for object in (object for objects in OBJECTS.values() for object in objects):
        rows = systems.list_records(object)
        marks = Counter(read_mark(str(row[object.name_field])) for row in rows)
        second += [mark for mark, count in marks.items() if count > 1 or mark not in truth.marks]
    return second


def describe_record(record: str, truth: Truth, attempts: Sequence[Attempt]) -> str:
    """Return what people changed of a record, and what the hub received, published and wrote of it,
    in the order of time, for a person who looks for the cause.
    """
    lines = [
        (change.at, f"change {number} by a person: {change}")
        for number, change in enumerate(truth.changes)
        if change.record == record
    ]
    lines += [*_describe_items(record, attempts), *_describe_writes(record)]
    return "\n".join(
        f"{datetime.fromtimestamp(at, UTC):%H:%M:%S.%f} {text}" for at, text in sorted(lines)
    )


def _describe_items(record: str, attempts: Sequence[Attempt]) -> Iterator[tuple[float, str]]:
    """Yield each attempt of a message, and each item with its values and what came of it."""
    rows = InboundItem.unscoped.filter(record=record).order_by("pk")
    rows = rows.select_related("message__endpoint__connection", "connection", "event")
    parsed = {entry.message.pk: entry for entry in parse_messages([row.message for row in rows])}
    keys = {row.item_key for row in rows}
    for attempt in attempts:
        if attempt.delivery in keys:
            yield attempt.at, f"sent: {attempt}"
    for row in rows:
        item = find_item(row, parsed[row.message_id])
        assert item is not None
        values = {name: item.data["record"].get(name) for name in SHOWN_FIELDS}
        shown = {name: value for name, value in values.items() if value is not None}
        text = (
            f"item {row.pk} {row.item_key}: {row.type} is {row.state} {row.reason}, decided "
            f"{row.state_changed_at:%H:%M:%S.%f}, changed {item.changed_at} by {row.author}, "
            f"state {build_change(AttributedItem(row, item)).state!r}: {shown}"
        )
        yield row.received_at.timestamp(), text
        if row.event is not None:
            yield row.event.accepted_at.timestamp(), _describe_event(row.event)


def _describe_event(event: Event) -> str:
    deliveries = Delivery.unscoped.filter(event=event).order_by("pk")
    written = RememberedWrite.unscoped.in_bulk([delivery.pk for delivery in deliveries])
    writes = [
        f"delivery {delivery.pk} is {delivery.state}, wrote {written[delivery.pk].fields}"
        if delivery.pk in written
        else f"delivery {delivery.pk} is {delivery.state} {delivery.reason}"
        for delivery in deliveries
    ]
    return f"published: event {event.pk} {event.type}; {'; '.join(writes) or 'no delivery'}"


def _describe_writes(record: str) -> Iterator[tuple[float, str]]:
    for values in RememberedWrite.unscoped.filter(record=record).values():
        times = {name: str(value) for name, value in values.items() if name in WRITE_TIMES}
        yield values["written_at"].timestamp(), f"written by the hub: {values | times}"


def list_marks(systems: TwoSystems) -> dict[tuple[str, str], Mark]:
    """Return the mark of each record, by object and id."""
    return {
        (object.key, str(row[object.id_field])): read_mark(str(row[object.name_field]))
        for objects in OBJECTS.values()
        for object in objects
        for row in systems.list_records(object)
    }


def list_writes(systems: TwoSystems) -> list[Write]:
    """Return the records that calls of the API wrote."""
    calls = systems.sandbox.get_rows("/_control/ledger?since=0")
    return [
        Write(call["system"], read_mark(str(values[name])), at.timestamp())
        for call in calls
        if call["method"] in ("POST", "PATCH") and RECORDS_PATH.search(call["path"])
        for at in [datetime.fromisoformat(call["at"])]
        for body in [json.loads(call["body"])]
        for values in body.get("records", [body])
        for name in NAMES.intersection(values)
    ]


def read_mark(name: str) -> Mark:
    return name.partition(" ")[0]
