"""The input and the result of publishing, as values without the database."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from hub.connections.models import Connection
from hub.outgoing.models import Delivery, Event
from hub.problems import Refusal
from tenants.models import Tenant


class EventConflict(Refusal):
    """An event with this id exists, with another body."""

    code, field = "event-conflict", "id"

    def __init__(self, index: int, sender_id: str) -> None:
        sentence = _("An event “%(id)s” already exists with other data. Use another ID.")
        super().__init__(sentence % {"id": sender_id})
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
