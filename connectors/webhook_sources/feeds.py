"""Feeds: how the changes of an object that no webhook told of are read from its system."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Feed:
    """The read of one object: a collection, asked for what has changed between two times.

    A time is asked for only after `settle`, so that all changes of a second are over before they
    are read; the clocks of both sides may differ by less.
    """

    object: str  # in the types of its items
    collection: str  # the key of a collection that reads changes
    query: Mapping[str, str]  # further parameters of the collection
    lost_changes: tuple[str, ...] = ()  # kinds of change that the read does not bring
    kept_for: timedelta | None = None  # deletions that are older are not brought; None: all are
    settle: timedelta = timedelta(seconds=30)
    # a call before the read returns further parameters (`WebhookSource.preparation_request`)
    is_prepared: bool = False
    has_end: bool = False  # records keep their time: it is read up to the end of the gap only
    permissions: tuple[
        str, ...
    ] = ()  # optional ones that the read needs; a reconnect asks for them
    setting: str = ""  # of the connection; one without it has no such feed. Empty: all have it
    pages_max: int = 0  # of one read; what is left is not read. 0: no limit of its own
