"""What is on its way: a parcel for each delivery, a carriage for each HTTP request."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from connectors.base import Action
from connectors.http import Rate, Request, Response
from connectors.outcomes import Outcome
from connectors.schema import Credential, Message
from hub.connections.models import Connection, Lane
from hub.outgoing.pump.claiming.claim_sql import ClaimedDelivery
from hub.throttle.reserve import ScopeCost

UNLIMITED: AbstractAsyncContextManager[object] = nullcontext()


@dataclass(slots=True)
class OutboundMessage:
    """One delivery with what is sent of it."""

    delivery: ClaimedDelivery
    content: Message


@dataclass(slots=True)
class Rejection:
    """A delivery that cannot be sent as things are: a cause of its own, and what would mend it."""

    delivery: ClaimedDelivery
    reason: str
    detail: str


@dataclass(slots=True)
class InFlightSlots:
    """Room for calls in flight, shared by carriages that spend alike; given back when the last of them has gone."""

    scope_keys: Sequence[str]  # of the scopes
    size: int
    remaining_calls: int  # still to go, or on their way
    semaphore: AbstractAsyncContextManager[object]


@dataclass(slots=True)
class OutboundRequest:
    """One request, the parcels that it carries, the scopes that it spends."""

    id: UUID
    action: Action
    messages: list[OutboundMessage]
    http_request: Request
    scope_costs: tuple[ScopeCost, ...]
    is_confirmation: bool = False  # it asks about tickets instead of sending
    slots: InFlightSlots | None = None
    return_queue_id: int = (
        0  # the QuotaQueue in which its deliveries wait where a quota stops them; 0: none
    )
    probed_at: datetime | None = (
        None  # one of its scopes was paused, and this call shows whether it is open again
    )

    @property
    def semaphore(self) -> AbstractAsyncContextManager[object]:
        return self.slots.semaphore if self.slots else UNLIMITED

    @property
    def low_priority(self) -> bool:
        """Whether it leaves room for live work; what shares a request agrees on that."""
        return self.messages[0].delivery.low_priority

    @property
    def quota_queue(self) -> int:
        """From which its deliveries were taken; what shares a request was taken from the same."""
        return self.messages[0].delivery.quota_queue

    @property
    def oldest_delivery_id(self) -> int:
        """The first of its deliveries, in the order of acceptance."""
        return min(message.delivery.pk for message in self.messages)

    @property
    def scope_keys(self) -> list[str]:
        """Of the scopes that it spends."""
        return [scope.key for scope in self.scope_costs]

    @property
    def is_paced(self) -> bool:
        """Whether it goes at a moment that is booked, or whenever it can."""
        return any(isinstance(scope.quota, Rate) for scope in self.scope_costs)

    def repeat_outcome(self, outcome: Outcome) -> list[Outcome]:
        return [outcome] * len(self.messages)

    def is_expired(self, now: datetime) -> bool:
        return any(
            message.delivery.expires_at and message.delivery.expires_at <= now
            for message in self.messages
        )

    def parse_response(self, response: Response) -> list[Outcome]:
        contents = [message.content for message in self.messages]
        parse = self.action.read_confirmation if self.is_confirmation else self.action.read
        return parse(response, contents)


@dataclass(slots=True)
class LaneBatch:
    """A claimed lane, ready to go."""

    lane: Lane
    connection: Connection
    credential: Credential | None
    requests: list[OutboundRequest] = field(default_factory=list)
    schedule: list[tuple[datetime, OutboundRequest]] = field(
        default_factory=list
    )  # as the quotas allow
    rejections: list[Rejection] = field(default_factory=list)
    secrets: tuple[str, ...] = ()
    credential_version: int = 0  # of the credential
    lead: timedelta = timedelta(0)  # how far ahead its paced calls were booked
    leased_at: float = 0.0  # when it was claimed, by the loop's time
    ran_out_of_time: bool = False  # its time was over before all of it had gone
    is_stopped: bool = (
        False  # an answer ended what the connection may do; the rest of the slice goes back
    )

    @property
    def delivery_count(self) -> int:
        """How many deliveries go in this slice."""
        return sum(len(request.messages) for _, request in self.schedule)


@dataclass(slots=True)
class SendResult:
    """How one carriage fared. No response: it was never sent, or nobody answered."""

    batch: LaneBatch
    request: OutboundRequest
    outcomes: Sequence[Outcome]
    started_at: datetime
    milliseconds: int
    response: Response | None = None
    error: str = ""


@dataclass(slots=True)
class NotSent:
    """Parcels that were not sent in this slice and go back; `due_at` where a quota says when, else at once.

    `closed` are the scopes that they wait for.
    """

    batch: LaneBatch
    request: OutboundRequest
    due_at: datetime | None = None
    reason: str = ""
    closed: Sequence[str] = ()


RequestResult = SendResult | NotSent
