"""Values that the stages of the pump pass on: claimed, prepared, scheduled, sent."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from connectors.http import Rate, Request, Response
from connectors.outcomes import Outcome
from connectors.roles import Action
from connectors.schema import Credential, Message
from hub.connections.models import Connection, Lane
from hub.db.clock import LONG_AGO, Clock
from hub.egress.sender import Sender
from hub.outgoing.echo.remember import RecordWrite
from hub.outgoing.pump.claiming.deliveries import ClaimedDelivery
from hub.throttle.demand import ScopeCost

MAX_DETAIL_LENGTH = 500  # characters of an outcome's detail that are stored
UNLIMITED_SLOTS: AbstractAsyncContextManager[object] = nullcontext()


@dataclass(frozen=True, slots=True)
class PumpRun:
    """The dependencies of a pump's run: lease, clock, randomness, limits, and outside functions."""

    lease: UUID
    leased_at: datetime  # from when the lease of its slot counts
    clock: Clock
    random: Callable[[], float]
    stopping: Callable[[], bool]  # whether the process was asked to stop
    idle_seconds: float  # after which it leaves when there is no work
    run_seconds: float  # after which it starts a successor and leaves
    open_client: Callable[[], AbstractAsyncContextManager[Sender]]
    start_another: Callable[[], object]  # ask for one more pump


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """A delivery with the message that is sent for it, and the mapping version that rendered it."""

    delivery: ClaimedDelivery
    content: Message
    version: int | None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A delivery that is not sent: the reason code, and the cause as text.

    It is skipped, or held until the cause is removed.
    """

    delivery: ClaimedDelivery
    reason: str
    detail: str
    state: Literal["held", "skipped"] = "held"
    version: int | None = None  # of the mapping that rendered it


@dataclass(slots=True)
class InFlightSlots:
    """Slots for calls in flight, shared by requests of the same scopes, released after the last."""

    scope_keys: Sequence[str]
    size: int
    remaining_calls: int  # calls that are in flight or still to be sent
    semaphore: AbstractAsyncContextManager[object]


@dataclass(frozen=True, slots=True)
class OutboundRequest:
    """An HTTP request, the messages that it carries, and the quota scopes that it spends."""

    id: UUID
    action: Action
    messages: Sequence[OutboundMessage]
    http_request: Request
    scope_costs: tuple[ScopeCost, ...]
    # what it writes, remembered to recognize its echo
    record_writes: Sequence[RecordWrite] = ()

    @property
    def is_confirmation(self) -> bool:
        """Return whether the request asks about tickets of earlier requests instead of sending."""
        return bool(self.messages[0].content.ticket)

    @property
    def low_priority(self) -> bool:
        """Return whether the request leaves quota for live work; the same for all its messages."""
        return self.messages[0].delivery.low_priority

    @property
    def quota_queue(self) -> int:
        """Return the queue from which all its deliveries were claimed; 0: none."""
        return self.messages[0].delivery.quota_queue

    @property
    def oldest_delivery_id(self) -> int:
        """Return the id of its delivery that was accepted first."""
        return min(message.delivery.pk for message in self.messages)

    @property
    def scope_keys(self) -> list[str]:
        return [scope.key for scope in self.scope_costs]

    @property
    def is_paced(self) -> bool:
        """Return whether the request is sent at a time that a rate has booked."""
        return any(isinstance(scope.quota, Rate) for scope in self.scope_costs)

    def repeat_outcome(self, outcome: Outcome) -> list[Outcome]:
        """Return this outcome once for each message."""
        return [outcome] * len(self.messages)

    def is_expired(self, now: datetime) -> bool:
        return any(
            message.delivery.expires_at and message.delivery.expires_at <= now
            for message in self.messages
        )

    def parse_response(self, response: Response) -> list[Outcome]:
        """Return the outcome of each message."""
        contents = [message.content for message in self.messages]
        parse = self.action.read_confirmation if self.is_confirmation else self.action.read_outcomes
        return parse(response, contents)


@dataclass(frozen=True, slots=True)
class LaneCredential:
    """An opened credential, its secrets (redacted from all stored data), and its version."""

    value: Credential
    secrets: tuple[str, ...]
    version: int


@dataclass(slots=True)
class BatchProgress:
    """Signals between the sending and the settlement of a batch."""

    is_out_of_time: bool = False  # its time was over before all requests were sent
    is_too_large: bool = False  # some were returned, as calls before them lasted too long
    is_stopped: bool = False  # a response changed the connection; the rest of the batch is returned


@dataclass(frozen=True, slots=True)
class LaneBatch:
    """A claimed lane with its prepared requests, and the deliveries that are not sent."""

    lane: Lane
    connection: Connection
    credential: LaneCredential | None
    requests: Sequence[OutboundRequest] = ()
    rejections: Sequence[Rejection] = ()
    reply_urls: Sequence[str] = field(default=(), repr=False)  # secret; of its requests
    leased_at: datetime = LONG_AGO  # from when the lane's lease counts
    progress: BatchProgress = field(default_factory=BatchProgress)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the secrets, which are redacted from all stored data of the batch."""
        return (*(self.credential.secrets if self.credential else ()), *self.reply_urls)

    @property
    def credential_version(self) -> int:
        return self.credential.version if self.credential else 0


@dataclass(frozen=True, slots=True)
class ScheduledRequest:
    """A request with the time at which its quotas allow it."""

    request: OutboundRequest
    at: datetime
    slots: InFlightSlots | None = None
    probed_at: datetime | None = None  # set when it is the probe of a paused scope
    can_be_delayed: bool = False  # it may be sent up to SEND_DELAY after its time

    @property
    def semaphore(self) -> AbstractAsyncContextManager[object]:
        return self.slots.semaphore if self.slots else UNLIMITED_SLOTS


@dataclass(frozen=True, slots=True)
class ScheduledBatch:
    """The requests of a batch that are sent, in the schedule that the quotas allow."""

    batch: LaneBatch
    requests: Sequence[ScheduledRequest]
    lead: timedelta = timedelta(0)  # how far ahead its paced calls were booked

    @property
    def lane_id(self) -> int:
        return self.batch.lane.connection_id

    @property
    def delivery_count(self) -> int:
        return sum(len(scheduled.request.messages) for scheduled in self.requests)


@dataclass(frozen=True, slots=True)
class SendResult:
    """The outcomes of one request. Without a response, it was not sent or no response arrived."""

    batch: LaneBatch
    request: OutboundRequest
    outcomes: Sequence[Outcome]
    started_at: datetime
    milliseconds: int
    response: Response | None = None
    error: str = ""
    probed_at: datetime | None = None  # set when it was the probe of a paused scope
    quota_queue: int = 0  # QuotaQueue that refused deliveries join; 0: none

    def distinct_outcomes(self) -> list[Outcome]:
        """Return one outcome of each kind and reason, as equal ones have the same effects."""
        return list({(outcome.kind, outcome.reason): outcome for outcome in self.outcomes}.values())


@dataclass(frozen=True, slots=True)
class NotSent:
    """A request that was not sent in this batch. Its deliveries wait until `due_at`, if any.

    `closed_scopes` are the keys of the scopes for which the request waits.
    """

    batch: LaneBatch
    request: OutboundRequest
    due_at: datetime | None = None
    reason: str = ""
    closed_scopes: Sequence[str] = ()
    quota_queue: int = 0  # QuotaQueue that its deliveries join; 0: none


RequestResult = SendResult | NotSent
