"""Make one blocking call to an external system: build, meter, send and parse a request.

A call occupies one of the 32 threads of a web process for up to 10 s. So all calls share one budget
per process, of which one tenant can use only a part.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Self, TypeVar

from django.utils.translation import gettext, gettext_noop
from django.views.decorators.debug import sensitive_variables

from connectors.http import Request, Response, Unreadable
from connectors.outcomes import Outcome, OutcomeBuilder, clean_text, later, never
from hub import egress
from hub.connections.calls.failures import classify_failure
from hub.connections.calls.holds import find_hold
from hub.connections.calls.reserved_call import QuotaExhausted, reserve_for_block
from hub.connections.credentials.connector_context import redact_outcome
from hub.connections.models import Connection, Lane
from hub.crypto.redaction import redact_excerpt, redact_text
from hub.db.clock import Clock, pause
from hub.egress import EgressError
from hub.queue import report_progress
from hub.shared_budget import BudgetExhausted, SharedBudget

Call = Callable[[Request], Response]
T = TypeVar("T")

PROVIDER_CALLS_MAX, PROVIDER_CALLS_MAX_OF_TENANT = 8, 2
WAITING_THREADS_MAX = 4  # threads that wait for a slot at a time
PROVIDER_CALL_BUDGET = SharedBudget(PROVIDER_CALLS_MAX, share=PROVIDER_CALLS_MAX_OF_TENANT)
WAITING_BUDGET = SharedBudget(WAITING_THREADS_MAX, share=PROVIDER_CALLS_MAX_OF_TENANT)
PLATFORM = "platform"  # the holder of calls without a tenant: our own application, and staff
holds_slot: ContextVar[bool] = ContextVar("holds_slot", default=False)

THROTTLED = "throttled"
BUSY = "busy"  # the budget is exhausted; nothing was sent
BUSY_TEXT = gettext_noop(
    "Too many external systems are being called right now. This call was not made and nothing was "
    "saved. Wait ten seconds, then try again."
)
HELD = "connection_held"
HELD_TEXT = gettext_noop(
    "This connection is not used at the moment: it is held, switched off, suspended or under "
    "maintenance. Nothing was sent."
)
TIME_SLICE = timedelta(seconds=10)
NOT_SENT_REASONS = (THROTTLED, BUSY, HELD)
# characters that are kept of a response, and of an exchange with its status line and response
STORED_RESPONSE_LENGTH_MAX, STORED_EXCHANGE_LENGTH_MAX = 300, 500


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call may wait for a spent quota, in seconds, and the function that waits."""

    wait: timedelta
    sleep: Callable[[float], object]


NO_PATIENCE = Patience(timedelta(0), lambda seconds: None)
INTERACTIVE_PATIENCE = Patience(timedelta(seconds=4), pause)  # while a person waits for a page


class TimeSliceEnded(Exception):
    """No call may begin any more in this time slice; its task is resumed later."""


@dataclass(frozen=True, slots=True)
class TimeSlice:
    """The time in which a task of several calls may begin them; then others of its class run."""

    clock: Clock
    ends_at: datetime

    @classmethod
    def begin(cls, clock: Clock) -> Self:
        return cls(clock, clock() + TIME_SLICE)

    def begin_call(self) -> datetime:
        """Return the time at which a call begins. Raises TimeSliceEnded."""
        now = self.clock()
        if now >= self.ends_at:
            raise TimeSliceEnded
        return now


def call_with_heartbeat(request: Request) -> Response:
    """Send a request of a task, after a heartbeat to its pool. Raises EgressError if it fails."""
    report_progress()
    return egress.send_request(request)


class ExchangeRecorder:
    """Callable that sends requests and keeps the last one with its response, as evidence."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.request: Request | None = None
        self.response: Response | None = None

    def __call__(self, request: Request) -> Response:
        self.request, self.response = request, None
        self.response = self.call(request)
        return self.response

    @sensitive_variables()
    def describe(self, secrets: Collection[str]) -> str:
        """Return request line, status and body of the last exchange; "" if there was none."""
        if self.request is None:
            return ""
        line = f"{self.request.method} {self.request.url}"
        if self.response is None:
            return clean_text(redact_text(line, secrets), STORED_EXCHANGE_LENGTH_MAX)
        answer = redact_excerpt(self.response.text(), STORED_RESPONSE_LENGTH_MAX, secrets)
        text = f"{line}: {self.response.status} {answer}"
        return clean_text(redact_text(text, secrets), STORED_EXCHANGE_LENGTH_MAX)


class ConnectionHeld(Exception):
    """No call may be made for this connection at the moment; nothing was sent."""


class RequestIncomplete(Exception):
    """The connector cannot build the request from the values that it has; nothing was sent."""


CALL_ERRORS = (
    ConnectionHeld,
    RequestIncomplete,
    BudgetExhausted,
    QuotaExhausted,
    EgressError,
    Unreadable,
    KeyError,
    TypeError,
    ValueError,
)


@sensitive_variables()
def call_provider(
    connection: Connection,
    build: Callable[[], Request],
    parse: Callable[[Response], T | Outcome],
    *,
    call: Call,
    now: datetime,
    secrets: Iterable[str],
    build_unanswered: OutcomeBuilder = later,
    build_unreadable: OutcomeBuilder = never,
    deferred_updates: ExitStack | None = None,
    patience: Patience | None = None,
    low_priority: bool = False,
    even_if_held: bool = False,
) -> T | Outcome:
    """Return the result of `parse`, or a redacted Outcome if the call fails. Never raises.

    Nothing is sent for a connection that is held, switched off, suspended or under maintenance,
    unless `even_if_held`: of refreshes and tests. Exchanges, revocations and removals of webhooks
    pass a draft without a row, which nothing holds.

    `patience`: how long to wait for a spent quota; None: do not wait. `low_priority`: limits the
    call to each quota's share for background work. `build_unanswered` builds the Outcome of a
    request that may have arrived, `build_unreadable` that of a response which the connector cannot
    parse. The quotas that the response reports are recorded when `deferred_updates` closes, by
    default immediately.
    """
    answer: T | Outcome
    with ExitStack() as at_once:
        try:
            send = partial(
                _send_metered,
                connection,
                _build_request(build),
                parse,
                call=call,
                low_priority=low_priority,
                even_if_held=even_if_held,
                deferred_updates=deferred_updates or at_once,
            )
            answer = _send_patiently(send, patience or NO_PATIENCE, now=now)
        except CALL_ERRORS as error:
            answer = _build_failure(error, connection, build_unanswered, build_unreadable, now=now)
    return redact_outcome(answer, secrets) if isinstance(answer, Outcome) else answer


def _build_failure(
    error: Exception,
    connection: Connection,
    build_unanswered: OutcomeBuilder,
    build_unreadable: OutcomeBuilder,
    *,
    now: datetime,
) -> Outcome:
    """Return the Outcome of a call that was not sent, not answered, or answered unreadably."""
    match error:
        case RequestIncomplete():
            return never("incomplete", str(error))
        case ConnectionHeld():
            return later(HELD, HELD_TEXT)
        case BudgetExhausted():
            return later(BUSY, BUSY_TEXT)
        case QuotaExhausted():
            return later(THROTTLED, str(error), after=(error.until - now).total_seconds())
        case EgressError():
            return classify_failure(error, build_unanswered)
    label = connection.connector.label
    text = f"the response does not match the documentation of {label}: {error}"
    return build_unreadable("unreadable", text)


def _send_patiently(send: Callable[..., T], patience: Patience, *, now: datetime) -> T:
    """Call `send(now=…)`; if a quota is spent, wait within the patience and send again.

    Raises what `send` raises.
    """
    deadline = now + patience.wait
    while True:
        try:
            return send(now=now)
        except QuotaExhausted as spent:
            if spent.until > deadline or spent.until <= now:
                raise
            patience.sleep((spent.until - now).total_seconds())
            now = spent.until


def _build_request(build: Callable[[], Request]) -> Request:
    """Build the request. Raises RequestIncomplete if a value is missing or invalid."""
    try:
        return build()
    except (KeyError, TypeError, ValueError) as error:
        raise RequestIncomplete(f"a value is missing or invalid: {error}") from error


def _send_metered(
    connection: Connection,
    request: Request,
    parse: Callable[[Response], T | Outcome],
    *,
    call: Call,
    low_priority: bool,
    even_if_held: bool,
    now: datetime,
    deferred_updates: ExitStack,
) -> T | Outcome:
    """Send the request in a slot, and parse the response.

    Raises ConnectionHeld if the connection may not be used, BudgetExhausted if no slot is free,
    QuotaExhausted if a quota is spent, EgressError if the call fails, and Unreadable if the
    response cannot be parsed.
    """
    if not even_if_held and _is_held(connection, now=now):
        raise ConnectionHeld
    with provider_slot(connection.tenant_id):
        block = reserve_for_block(connection, request, low_priority=low_priority, now=now)
        reserved_call = deferred_updates.enter_context(block)
        response = call(request)
        answer = parse(response)
        deferred_updates.callback(reserved_call.record_response, response, answer, now=now)
        return answer


def _is_held(connection: Connection, *, now: datetime) -> bool:
    """Return whether nothing may be sent for the connection; a draft has no lane."""
    lanes = Lane.unscoped.select_related("connection__tenant")
    lane = lanes.filter(pk=connection.pk).first()
    return lane is not None and bool(find_hold(lane, now=now))


def translate_detail(reason: str, detail: str) -> str:
    """Return an outcome's detail: the hub's texts in the reader's language, others as they are."""
    return gettext(detail) if reason in (BUSY, HELD) and detail else detail


@contextmanager
def provider_slot(tenant_id: int | None, *, timeout: float = 0.0) -> Iterator[None]:
    """Hold a slot of the budget; a nested block uses the slot of the outer one.

    Waits up to `timeout` seconds, but not if `WAITING_THREADS_MAX` threads wait already, or two of
    this holder. Raises BudgetExhausted if no slot becomes free.
    """
    if holds_slot.get():
        yield
        return
    holder = tenant_id or PLATFORM
    _acquire_slot(holder, timeout)
    token = holds_slot.set(True)
    try:
        yield
    finally:
        holds_slot.reset(token)
        PROVIDER_CALL_BUDGET.release(1, holder)


def _acquire_slot(holder: Hashable, timeout: float) -> None:
    try:
        PROVIDER_CALL_BUDGET.acquire(1, holder)
    except BudgetExhausted:
        if not timeout:
            raise
        with WAITING_BUDGET.acquire_for_block(1, holder):
            PROVIDER_CALL_BUDGET.acquire(1, holder, timeout=timeout)
