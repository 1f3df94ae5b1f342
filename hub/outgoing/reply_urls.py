"""The hook that finds the URL at which an incoming item is answered."""

from datetime import datetime
from typing import Protocol

from hub.connections.models import Connection
from hub.hooks import Hook


class ReplyUrlFinder(Protocol):
    """Returns the URL at which an incoming item is answered. Raises LookupError with the reason."""

    def __call__(self, connection: Connection, item_id: str, *, now: datetime) -> str: ...


REPLY_URL: Hook[ReplyUrlFinder] = Hook()
