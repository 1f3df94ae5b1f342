"""The input and the result of publishing, as values without the database."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.connections.models import Connection
from hub.outgoing.models import Delivery, Event
from tenants.models import Tenant


class EventConflict(Exception):
    """An event with this id exists, with another body."""

    def __init__(self, index: int, sender_id: str) -> None:
        super().__init__(f"an event {sender_id!r} exists with another body")
        self.index = index
        self.sender_id = sender_id


@dataclass(frozen=True, slots=True)
class EventInput:
    """Something that happened at a tenant.

    `data` is a JSON object, `raw` the bytes as they were received.
    """

    tenant: Tenant
    type: str
    data: Mapping[str, Any]
    id: str = ""
    occurred_at: datetime | None = None
    raw: bytes | None = None
    origin: Connection | None = None  # the connection that received it

    def digest(self) -> str:
        """Return the SHA-256 of type, time and data, independent of the order of keys."""
        content = [self.type, self.occurred_at and self.occurred_at.isoformat(), self.data]
        return hashlib.sha256(
            json.dumps(content, sort_keys=True, separators=(",", ":"), default=str).encode()
        ).hexdigest()


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    event: Event
    is_new: bool  # False: the event existed, with the same body
    deliveries: Sequence[Delivery]  # the first ones of the event, in their present state
