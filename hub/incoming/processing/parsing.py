"""Parse stored messages into the items of their connector."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.http import Unreadable
from connectors.outcomes import READ_ERRORS, clean_text
from connectors.registry import CONNECTORS
from connectors.webhook_request import WebhookRequest
from connectors.webhook_sources import Item, UnreadableItem, WebhookSource
from hub.incoming.models import InboundBody, InboundMessage
from hub.problems.strict_json import MAX_DEPTH

MAX_DETAIL_LENGTH = 500
UNREADABLE_REASON = "cannot_be_read"


@dataclass(frozen=True, slots=True)
class ParsedMessage:
    """A message with its items; `error` is why it has none, "" if it could be parsed."""

    message: InboundMessage
    items: Sequence[Item | UnreadableItem] = ()
    error: str = ""

    @property
    def readable_items(self) -> list[tuple[int, Item]]:
        """Return the items that could be parsed, with their positions."""
        return [(n, item) for n, item in enumerate(self.items) if isinstance(item, Item)]

    @property
    def unreadable_items(self) -> list[tuple[int, UnreadableItem]]:
        """Return the notifications that could not be parsed, with their positions."""
        return [(n, item) for n, item in enumerate(self.items) if isinstance(item, UnreadableItem)]


def parse_messages(messages: Sequence[InboundMessage]) -> list[ParsedMessage]:
    """Parse stored messages; one that cannot be parsed has no items and an error."""
    bodies = {
        pk: bytes(body)
        for pk, body in InboundBody.objects.filter(
            pk__in=[message.pk for message in messages]
        ).values_list("pk", "body")
    }
    return [parse_message(message, bodies) for message in messages]


def parse_message(message: InboundMessage, bodies: Mapping[int, bytes]) -> ParsedMessage:
    """Parse one message; `bodies` are compressed, by primary key. Never raises."""
    connector = CONNECTORS.get(message.connector_key)
    source = connector.webhook_source if connector else None
    if source is None:
        return ParsedMessage(message, error=f"{message.connector_key} receives no webhooks")
    if message.pk not in bodies:
        return ParsedMessage(message, error="its body is not stored any more")
    try:
        items = read_items(source, message, zlib.decompress(bodies[message.pk]))
    except (*READ_ERRORS, zlib.error) as error:
        text = f"{type(error).__name__}: {error}"
        return ParsedMessage(message, error=clean_text(text, MAX_DETAIL_LENGTH))
    return ParsedMessage(message, items)


def read_items(
    source: WebhookSource, message: InboundMessage, body: bytes
) -> Sequence[Item | UnreadableItem]:
    """Return the items of a stored request. Raises one of READ_ERRORS."""
    connection = message.endpoint.connection
    request = WebhookRequest(
        method=message.method,
        url="",
        body=body,
        headers=tuple(message.headers.items()),
        query=message.query,
    )
    settings = connection.settings if connection else {}
    items = source.parse_items(request, settings, message_id=message.message_key)
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _refuse_deep_data(items)
    return items


def _refuse_deep_data(items: Sequence[Item | UnreadableItem]) -> None:
    """Raise Unreadable for data nested more deeply than the API for events accepts."""
    for item in items:
        if isinstance(item, Item) and measure_depth(item.data) > MAX_DEPTH:
            raise Unreadable(f"its data is nested more than {MAX_DEPTH} levels deep")


def measure_depth(value: Any) -> int:
    """Return the nesting depth of objects and lists, computed level by level without recursion."""
    depth, level = 0, [value]
    while level := [entry for entry in level if isinstance(entry, Mapping | list)]:
        depth += 1
        level = [
            child
            for entry in level
            for child in (entry.values() if isinstance(entry, Mapping) else entry)
        ]
    return depth
