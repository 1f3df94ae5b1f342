"""The role of what a connector does in its system: an action."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.http import KIBIBYTE, Json, Request, Response
from connectors.outcomes import Outcome, read_outcomes
from connectors.schema import Credential, Input, Message


@dataclass(frozen=True, slots=True)
class RecordToWrite:
    """What a message writes to one record; `object` as in the types of the system's events."""

    object: str
    record: str  # its id; empty: it is created, or found by another key
    fields: Mapping[str, Json]  # by the names that the system's webhooks use
    may_exist: bool = False  # without an id: whether it is created shows in the answer only
    is_deletion: bool = False


class RequestRefused(Exception):
    """A request may not be sent as it was asked for. The text is the reason, for people."""


class Action:
    """An operation in the external system.

    Subclasses implement `request`, and `outcome` or `outcomes`.
    """

    key: str
    label: str
    help: str = ""
    inputs: tuple[Input, ...] = ()
    # a field mapping to start from
    example: Mapping[str, Any] = {}
    # the field mapping of a route without one; empty: the route must have one
    default: Mapping[str, Any] = {}
    # a field mapping that formats a notice of ours; empty: the action cannot send notices
    notice_mapping: Mapping[str, Any] = {}
    # a field mapping that formats a report of ours; empty: the action cannot send reports
    report_mapping: Mapping[str, Any] = {}
    permissions: Mapping[str, str] = {}
    batch_size_max: int = 1  # messages that one request may carry
    batch_bytes: int = 1024 * KIBIBYTE  # of rendered bodies in one request
    is_reply: bool = False  # it answers in the system that an event came from, and writes no record
    # it answers at the address that came with the incoming item which its input `item` names; one
    # message a request
    uses_reply_url: bool = False
    is_idempotent: bool = False  # the system takes our id: sending again has no second effect
    # the input whose object holds the fields of a record; empty: the whole body does
    fields_input: str = ""
    creates: bool = False  # it may create a record, which then needs its required fields

    def group_key(self, message: Message) -> Hashable:
        """Return the key of the message's group: a request has messages of one group only."""
        return None

    def find_body_problem(self, body: Mapping[str, Any]) -> str:
        """Return why this body cannot be sent, as text; empty if it can."""
        missing = [
            entry.key
            for entry in self.inputs
            if entry.required and body.get(entry.key) in (None, "")
        ]
        if missing:
            return f"missing: {', '.join(missing)}"
        unknown = sorted(set(body) - {entry.key for entry in self.inputs}) if self.inputs else []
        return f"not known to {self.label!r}: {', '.join(unknown)}" if unknown else ""

    def schema_object(self, body: Mapping[str, Any]) -> str:
        """Return the key of the schema object that a mapping with this body writes.

        The values in `body` are expressions. Returns "" if the action writes no schema object, or
        if the object is known only when an event is mapped.
        """
        return ""

    def needed_permissions(self, inputs: Iterable[str]) -> set[str]:
        """Return the permissions that a mapping with values for these inputs needs."""
        return set(self.permissions)

    def written_record(self, message: Message) -> RecordToWrite | None:
        """Return what the message writes to a record; None if the action writes none."""
        return None

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        raise NotImplementedError

    def outcome(self, response: Response) -> Outcome:
        raise NotImplementedError

    def outcomes(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        """Return one outcome for each message, in their order."""
        return [self.outcome(response)] * len(messages)

    def read_outcomes(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        """Return `outcomes`; *unknown* for each message if the response cannot be parsed."""
        return read_outcomes(lambda: self.outcomes(response, messages), response, len(messages))

    def confirm_request(self, messages: Sequence[Message], credential: Credential) -> Request:
        """Build the request that asks whether `pending` messages were confirmed, by tickets."""
        raise NotImplementedError

    def parse_confirmation(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        raise NotImplementedError

    def read_confirmation(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        return read_outcomes(
            lambda: self.parse_confirmation(response, messages), response, len(messages)
        )
