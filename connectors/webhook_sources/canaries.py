"""Canaries of sources: harmless changes by which the hub proves that a system's webhooks arrive."""

from collections.abc import Mapping
from typing import Any

from connectors.http import Request, Response
from connectors.i18n import _
from connectors.outcomes import Outcome
from connectors.schema import Credential

MARK_PREFIX = "Integration Hub check"  # of the text that is written, before a random part
GONE = ""  # the id of a record that does not exist any more


class Canary:
    """A change of one marked record, which the hub makes itself.

    Builds requests and parses responses; it never sends. A passive one is caused by the system, at
    an interval that a person sets there.
    """

    explanation: str  # what is written, and where, for the consent of the customer
    is_passive = False
    # the change as which each write to the record is reported, where a system registers each kind
    # of change by itself; "": what is registered reports all
    change = ""
    creation = ""  # the change as which a new record is reported, where it is registered by itself
    permissions: tuple[str, ...] = ()  # optional permissions that writing needs
    patience = 120.0  # seconds in which its webhook is expected

    def write_request(self, credential: Credential, record: str, mark: str) -> Request:
        """Build the request that writes the mark to the record; to a new one if `record` is ""."""
        raise NotImplementedError

    def parse_write(self, response: Response, record: str) -> str | Outcome:
        """Return the record's id, GONE if it does not exist any more, or the refusal."""
        raise NotImplementedError

    def removal_request(self, credential: Credential, record: str) -> Request:
        raise NotImplementedError

    def parse_removal(self, response: Response) -> str | Outcome:
        """Return GONE, or the refusal."""
        raise NotImplementedError

    def find_mark(self, type: str, data: Mapping[str, Any]) -> str:
        """Return the text in an item by which a canary is recognized; "" if there is none."""
        raise NotImplementedError


class HeartbeatSearch(Canary):
    """A saved search with a certain name, which triggers an alert at an interval."""

    is_passive = True
    name = "Integration Hub heartbeat"
    explanation = _(
        "Save a search named “Integration Hub heartbeat” that always finds something, have it run "
        "at this interval, and add the webhook of this connection. Its alerts are not published."
    )

    def find_mark(self, type: str, data: Mapping[str, Any]) -> str:
        return self.name if data.get("search_name") == self.name else ""


class HeartbeatEvent(Canary):
    """An event of a certain type, which the sender sends at an interval."""

    is_passive = True
    types = ("ping", "heartbeat")
    explanation = _(
        "Have the sender send an event of the type ping or heartbeat at this interval. Events of "
        "these types are not published while this is on."
    )

    def find_mark(self, type: str, data: Mapping[str, Any]) -> str:
        return type if type in self.types else ""
