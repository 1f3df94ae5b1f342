"""What is on its way: a parcel for each delivery, a carriage for each HTTP request."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from connectors.base import Action
from connectors.outcomes import Outcome
from connectors.parts import Credential, Message
from connectors.wire import Rate, Request, Response
from hub.connections.models import Connection, Lane
from hub.outgoing.pump.due import Due
from hub.throttle.reserve import Spent

FREE: AbstractAsyncContextManager[object] = nullcontext()


@dataclass(slots=True)
class Parcel:
    """One delivery with what is sent of it."""

    delivery: Due
    message: Message


@dataclass(slots=True)
class Held:
    """A delivery that cannot be sent as things are: a cause of its own, and what would mend it."""

    delivery: Due
    reason: str
    detail: str


@dataclass(slots=True)
class Berth:
    """Room for calls in flight, shared by carriages that spend alike; given back when the last of them has gone."""

    keys: Sequence[str]  # of the scopes
    room: int
    calls: int  # still to go, or on their way
    gate: AbstractAsyncContextManager[object]


@dataclass(slots=True)
class Carriage:
    """One request, the parcels that it carries, the scopes that it spends."""

    id: UUID
    action: Action
    parcels: list[Parcel]
    request: Request
    spent: tuple[Spent, ...]
    asks: bool = False  # it asks about tickets instead of sending
    berth: Berth | None = None
    returns_to: int = 0  # the QuotaQueue in which its deliveries wait where a quota stops them; 0: none
    probed_at: datetime | None = None  # one of its scopes was paused, and this call shows whether it is open again

    @property
    def gate(self) -> AbstractAsyncContextManager[object]:
        return self.berth.gate if self.berth else FREE

    @property
    def low_priority(self) -> bool:
        """Whether it leaves room for live work; what shares a request agrees on that."""
        return self.parcels[0].delivery.low_priority

    @property
    def quota_queue(self) -> int:
        """From which its deliveries were taken; what shares a request was taken from the same."""
        return self.parcels[0].delivery.quota_queue

    @property
    def oldest(self) -> int:
        """The first of its deliveries, in the order of acceptance."""
        return min(parcel.delivery.pk for parcel in self.parcels)

    @property
    def keys(self) -> list[str]:
        """Of the scopes that it spends."""
        return [entry.key for entry in self.spent]

    @property
    def paced(self) -> bool:
        """Whether it goes at a moment that is booked, or whenever it can."""
        return any(isinstance(entry.quota, Rate) for entry in self.spent)

    def all(self, outcome: Outcome) -> list[Outcome]:
        return [outcome] * len(self.parcels)

    def late(self, now: datetime) -> bool:
        return any(parcel.delivery.expires_at and parcel.delivery.expires_at <= now for parcel in self.parcels)

    def read(self, response: Response) -> list[Outcome]:
        messages = [parcel.message for parcel in self.parcels]
        read = self.action.read_confirmed if self.asks else self.action.read
        return read(response, messages)


@dataclass(slots=True)
class Load:
    """A claimed lane, ready to go."""

    lane: Lane
    connection: Connection
    credential: Credential | None
    carriages: list[Carriage] = field(default_factory=list)
    departures: list[tuple[datetime, Carriage]] = field(default_factory=list)  # as the quotas allow
    held: list[Held] = field(default_factory=list)
    secrets: tuple[str, ...] = ()
    version: int = 0  # of the credential
    lead: timedelta = timedelta(0)  # how far ahead its paced calls were booked
    leased: float = 0.0  # when it was claimed, by the loop's time
    cut: bool = False  # its time was over before all of it had gone
    turned: bool = False  # an answer ended what the connection may do; the rest of the slice goes back

    @property
    def sends(self) -> int:
        """How many deliveries go in this slice."""
        return sum(len(carriage.parcels) for _, carriage in self.departures)


@dataclass(slots=True)
class Journey:
    """How one carriage fared. No response: it was never sent, or nobody answered."""

    load: Load
    carriage: Carriage
    outcomes: Sequence[Outcome]
    started_at: datetime
    milliseconds: int
    response: Response | None = None
    error: str = ""


@dataclass(slots=True)
class Unsent:
    """Parcels that were not sent in this slice and go back; `due_at` where a quota says when, else at once.

    `closed` are the scopes that they wait for.
    """

    load: Load
    carriage: Carriage
    due_at: datetime | None = None
    reason: str = ""
    closed: Sequence[str] = ()


Result = Journey | Unsent
