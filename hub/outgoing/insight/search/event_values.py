"""The values by which a person searches for an event: order numbers, ids and mail addresses.

Only whole values match, regardless of case. Not indexed are text with spaces, dates, decimal
numbers, URLs and numbers of fewer than four digits: too many events share them, or people do not
search for them. The sender's id is also found by its parts at the end, so that `A-1005` finds
`order-A-1005`.
"""

import re
from collections import deque
from collections.abc import Collection, Iterator
from hashlib import blake2b
from itertools import chain
from typing import Any

from connectors.http import load_json
from hub.outgoing.models import Event, EventBody, EventValue, ValueIndexPosition
from tenants.scoping import TenantIds, readable_condition

MAX_VALUES = 24  # of one event
MAX_NODES = 1_000  # of one body
EVENTS_READ = 200  # the newest events, not indexed yet, whose bodies a search reads
EVENTS_FOUND = 100
INDEXED_VALUE = re.compile(r"(?=\S*[\d@])\S{3,100}")
UNINDEXED_NUMBER = re.compile(r"\d{1,3}|-?\d+[.,]\d*|-\d+")
DATE = re.compile(r"\d{4}-\d\d-\d\d(t\S*)?")
SEPARATOR = re.compile(r"[-_:/.#]")


def normalize_value(text: str) -> str:
    """Return the text as it is indexed; "" if it is not a value that is indexed."""
    value = text.strip().casefold()
    if not INDEXED_VALUE.fullmatch(value) or value.startswith(("http://", "https://")):
        return ""
    return "" if UNINDEXED_NUMBER.fullmatch(value) or DATE.fullmatch(value) else value


def list_event_values(sender_id: str, body: bytes) -> set[str]:
    """Return the values by which the event is found, at most MAX_VALUES."""
    values: set[str] = set()
    for text in chain(_iterate_suffixes(sender_id), _iterate_scalars(_read_data(body))):
        if len(values) == MAX_VALUES:
            break
        if value := normalize_value(text):
            values.add(value)
    return values


def _read_data(body: bytes) -> Any:
    """Return the data of an event; None if it cannot be read, as indexing must continue."""
    try:
        return load_json(body)["data"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _iterate_suffixes(sender_id: str) -> Iterator[str]:
    """Yield the sender's id, and the part after each separator in it."""
    yield sender_id
    for separator in SEPARATOR.finditer(sender_id):
        yield sender_id[separator.end() :]


def _iterate_scalars(data: Any) -> Iterator[str]:
    """Yield texts and whole numbers, outer ones first, without recursion: data may be deep."""
    pending, nodes = deque([data]), 0
    while pending and nodes < MAX_NODES:
        node, nodes = pending.popleft(), nodes + 1
        if isinstance(node, dict | list):
            pending.extend(node.values() if isinstance(node, dict) else node)
        elif isinstance(node, str):
            yield node
        elif type(node) is int:
            yield str(node)


def digest_value(tenant_id: int, value: str) -> int:
    """Return the digest of a tenant's value, a signed integer of 64 bits."""
    digest = blake2b(f"{tenant_id}:{value}".encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def find_events_by_value(term: str, tenants: TenantIds, tenant_ids: Collection[int]) -> list[int]:
    """Return the row ids of events with the value, newest first, at most EVENTS_FOUND.

    Of the events that are not indexed yet, the newest are searched directly. At most four queries.
    tenant_ids: the ids of `tenants`.
    """
    value = normalize_value(term)
    if not value or not tenant_ids:
        return []
    digests = {digest_value(tenant_id, value) for tenant_id in tenant_ids}
    indexed = (
        EventValue.unscoped.filter(readable_condition(EventValue, tenants), digest__in=digests)
        .order_by("-event")
        .values_list("event", flat=True)[:EVENTS_FOUND]
    )
    return list(dict.fromkeys((*_find_new_events(value, tenants), *indexed)))


def _find_new_events(value: str, tenants: TenantIds) -> list[int]:
    """Return the newest events with the value that are not indexed yet, newest first."""
    position = ValueIndexPosition.objects.values_list("last_event", flat=True).first() or 0
    new_events = Event.unscoped.filter(readable_condition(Event, tenants), pk__gt=position)
    sender_ids = dict(new_events.order_by("-pk").values_list("pk", "sender_id")[:EVENTS_READ])
    bodies = EventBody.objects.filter(pk__in=sender_ids).order_by("-pk")
    return [
        event_id
        for event_id, body in bodies.values_list("pk", "body")
        if value in list_event_values(sender_ids[event_id], bytes(body))
    ]
