"""Deliveries that are written together by a job of the system instead of by requests of the pump.

They stay *waiting*, with a reason of their own, and are due only when no run has asked after them
for a while: then the pump sends them. So a run that ends, or is killed, loses none, and as only
idempotent actions are written in this way, none has a second effect.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from connectors.http import Response, load_json
from connectors.roles import BulkForm, BulkRecord, BulkWrite, RecordResult
from hub.connections.models import Connection, Lane
from hub.db.ids import uuid7
from hub.hooks import Hook
from hub.metrics import counters
from hub.outgoing.echo.remember import remember_writes
from hub.outgoing.models import Delivery, Rendering
from hub.outgoing.pump.claiming.claim import ClaimedLane
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from hub.outgoing.pump.claiming.deliveries import claim_deliveries_by_id
from hub.outgoing.pump.prepare import RenderedLane, RenderedMessage, render_lanes
from hub.outgoing.pump.settling.settle import (
    Transitions,
    apply_rejections,
    apply_transitions,
    settle_results,
)
from hub.outgoing.pump.settling.transitions import Transition
from hub.outgoing.pump.types import LaneBatch, OutboundMessage, OutboundRequest, SendResult
from hub.outgoing.pump.written_records import list_record_writes
from hub.outgoing.queue.wake import wake_lanes
from hub.processes.leases import new_lease

BULK_JOB = "bulk_job"  # the reason of a delivery that waits to be written by a job
WAITS_FOR = timedelta(minutes=15)  # without a run that asks after it
VALID_FOR_MIN = timedelta(days=1)  # of a delivery that may wait for a job
CHUNK_SIZE = 200  # deliveries of one transaction
ENDED_STATES = ("delivered", "failed")
SETTLED_KINDS = ("delivered", "never")  # of outcomes; after others the pump sends again


class BulkWriteStarter(Protocol):
    """Starts a run that writes what was set aside for this connection, unless one is open."""

    def __call__(self, connection: Connection, *, now: datetime) -> object: ...


BULK_WRITE_STARTER: Hook[BulkWriteStarter] = Hook()


def set_aside(
    deliveries: Sequence[Delivery], connection: Connection, count: int, *, now: datetime
) -> None:
    """Let new deliveries wait for a job, if jobs take fewer calls for `count` of them.

    Runs before they are stored, in the caller's transaction, which holds the lane.
    """
    bulk = connection.connector.bulk_write
    if bulk is None or not bulk.is_cheaper(count):
        return
    chosen = [delivery for delivery in deliveries if _can_wait(delivery, bulk, now=now)]
    for delivery in chosen:
        delivery.reason, delivery.due_at = BULK_JOB, now + WAITS_FOR
    if chosen:
        BULK_WRITE_STARTER.function(connection, now=now)


def _can_wait(delivery: Delivery, bulk: BulkWrite, *, now: datetime) -> bool:
    expires_at = delivery.expires_at
    return (
        delivery.state == "waiting"
        and delivery.route.action in bulk.actions
        and delivery.position is None
        and (expires_at is None or expires_at > now + VALID_FOR_MIN)
    )


def select_set_aside(connection: Connection) -> QuerySet[Delivery]:
    """Select the deliveries that wait for a job, also those that are in one."""
    return Delivery.unscoped.filter(connection=connection, state="waiting", reason=BULK_JOB)


def keep_set_aside(connection: Connection, *, now: datetime) -> None:
    """Let them wait on, as a run still asks after them."""
    select_set_aside(connection).update(due_at=now + WAITS_FOR)


def divide(delivery_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield the ids of each transaction."""
    for start in range(0, len(delivery_ids), CHUNK_SIZE):
        yield delivery_ids[start : start + CHUNK_SIZE]


@transaction.atomic
def return_to_pump(connection: Connection, delivery_ids: Sequence[int], *, now: datetime) -> int:
    """Let the pump send those of these deliveries that still wait for a job; return how many."""
    count = 0
    for ids in divide(delivery_ids):
        rows = select_set_aside(connection).filter(pk__in=ids)
        count += rows.update(reason="", due_at=now)
    if count:
        wake_lanes([connection.pk], now=now)
    return count


# --- taking ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class JobRecords:
    """The deliveries of the next job: one of each record, all of one form."""

    bulk: BulkWrite
    form: BulkForm | None = None
    delivery_ids: list[int] = field(default_factory=list)
    identities: set[str] = field(default_factory=set)
    size: int = 0  # bytes of the values

    def add(self, delivery_id: int, record: BulkRecord) -> bool:
        """Add a delivery; return False if it must wait for a later job."""
        size = self.size + sum(len(text.encode()) for text in record.values.values())
        if record.identity in self.identities or size > self.bulk.bytes_max:
            return False
        if self.form not in (None, record.form):
            return False
        self.form, self.size = record.form, size
        self.delivery_ids.append(delivery_id)
        self.identities.add(record.identity)
        return True


@dataclass(frozen=True, slots=True)
class ClaimedChunk:
    """Deliveries that are *sending* within this transaction only, rendered as the pump does."""

    lane: RenderedLane
    lease: UUID
    config: ConfigCache
    now: datetime

    @classmethod
    def claim(cls, connection: Connection, ids: Sequence[int], *, now: datetime) -> "ClaimedChunk":
        """Claim and render deliveries; those that cannot be sent are held or skipped."""
        lease, config = new_lease(), ConfigCache(loaded_at=now)
        config.load(connectors={connection.connector_key})
        claims = claim_deliveries_by_id(ids, lease, config, now=now)
        claimed_lane = ClaimedLane(connection.lane, connection, claims, now)
        (lane,) = render_lanes([claimed_lane], config, now=now)
        apply_rejections(lease, lane.rejections, now=now)
        return cls(lane, lease, config, now)

    def release(
        self, waiting: Sequence[OutboundMessage], returned: Sequence[OutboundMessage]
    ) -> None:
        """Let deliveries wait for a job, and return others to the pump; no attempt is counted."""
        for_job = Transition("waiting", BULK_JOB, "", self.now + WAITS_FOR, attempts_returned=1)
        for_pump = Transition("waiting", due_at=self.now, attempts_returned=1)
        transitions: Transitions = [
            *((message, for_job) for message in waiting),
            *((message, for_pump) for message in returned),
        ]
        apply_transitions(self.lease, transitions, now=self.now)
        if returned:
            wake_lanes([self.lane.claimed_lane.lane.pk], now=self.now)


def take_records(connection: Connection, *, now: datetime) -> JobRecords | None:
    """Render what was set aside, and choose the deliveries of the next job.

    What a job cannot write returns to the pump. None if a job would not take fewer calls.
    """
    bulk = connection.connector.bulk_write
    assert bulk is not None  # what was set aside is of such a system
    waiting = select_set_aside(connection).order_by("pk").values_list("pk", flat=True)
    records = JobRecords(bulk)
    for ids in divide(list(waiting[: bulk.records_max])):
        _take_chunk(connection, ids, records, now=now)
    return records if bulk.is_cheaper(len(records.delivery_ids)) else None


@transaction.atomic
def _take_chunk(
    connection: Connection, ids: Sequence[int], records: JobRecords, *, now: datetime
) -> None:
    """Render deliveries, and remember the writes of those that are added to the next job."""
    Lane.lock(connection.pk)
    chunk = ClaimedChunk.claim(connection, ids, now=now)
    waiting, returned, writes = [], [], []
    for action, message in chunk.lane.messages:
        record = records.bulk.build_record(action.key, message.content.body)
        if record is None:
            returned.append(message)
            continue
        waiting.append(message)
        if records.add(message.delivery.pk, record):
            writes += list_record_writes(connection, action, [message], chunk.config)
    chunk.release(waiting, returned)
    remember_writes(writes, now=now)


def load_records(
    connection: Connection, form: BulkForm, delivery_ids: Sequence[int]
) -> list[BulkRecord]:
    """Return the records of a job, in their order, without those that a person has stopped."""
    bulk = connection.connector.bulk_write
    assert bulk is not None
    bodies: dict[int, bytes | memoryview] = {}
    for ids in divide(delivery_ids):
        waiting = select_set_aside(connection).filter(pk__in=ids).values("pk")
        rows = Rendering.objects.filter(delivery_id__in=waiting)
        bodies |= dict(rows.values_list("delivery_id", "body"))
    records = (
        bulk.build_record(form.action, load_json(bytes(bodies[pk])))
        for pk in delivery_ids
        if pk in bodies
    )
    return [record for record in records if record is not None]


# --- settling -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JobResults:
    """The results of the written, or of the refused, records of a job, with their evidence."""

    failed: bool
    response: Response
    records: Mapping[str, RecordResult]  # by the key of the record


@dataclass(frozen=True, slots=True)
class EndedJob:
    """A job whose results were read. `closed_at`: from when the system could write."""

    id: str
    closed_at: datetime
    results: Sequence[JobResults]


@transaction.atomic
def settle_records(
    connection: Connection, job: EndedJob, delivery_ids: Sequence[int], *, now: datetime
) -> int:
    """Settle the deliveries of a job as if the pump had sent them; return how many have ended.

    What the job did not try, and what may be tried again, returns to the pump. What was settled
    before an interruption, or by the pump meanwhile, is left as it is, and counted.
    """
    Lane.lock(connection.pk)
    waiting = select_set_aside(connection).filter(pk__in=delivery_ids)
    chunk = ClaimedChunk.claim(connection, list(waiting.values_list("pk", flat=True)), now=now)
    remaining = list(chunk.lane.messages)
    send_results: list[SendResult] = []
    for results in job.results:
        found, remaining = _split_by_results(connection, results, remaining)
        if found:
            send_results.append(_build_send_result(chunk, job, results, found))
    chunk.release((), [message for _action, message in remaining])
    # a settled outcome is never retried, so nothing here is random
    counts = settle_results(chunk.lease, send_results, (), now=now, random=lambda: 0.0)
    counters.add_counts(counts)
    return Delivery.unscoped.filter(pk__in=delivery_ids, state__in=ENDED_STATES).count()


def _split_by_results(
    connection: Connection, results: JobResults, messages: Sequence[RenderedMessage]
) -> tuple[list[tuple[RenderedMessage, RecordResult]], list[RenderedMessage]]:
    """Return the messages that these results settle, each with its result, and the others."""
    bulk = connection.connector.bulk_write
    assert bulk is not None
    settled: list[tuple[RenderedMessage, RecordResult]] = []
    others: list[RenderedMessage] = []
    for action, message in messages:
        record = bulk.build_record(action.key, message.content.body)
        result = results.records.get(record.key) if record else None
        if result is not None and result.outcome.kind in SETTLED_KINDS:
            settled.append(((action, message), result))
        else:
            others.append((action, message))
    return settled, others


def _build_send_result(
    chunk: ClaimedChunk,
    job: EndedJob,
    results: JobResults,
    settled: Sequence[tuple[RenderedMessage, RecordResult]],
) -> SendResult:
    """Return the result of the request that brought these results, with their lines only."""
    lane, credential = chunk.lane.claimed_lane, chunk.lane.credential
    bulk = lane.connection.connector.bulk_write
    assert credential is not None and bulk is not None
    action = settled[0][0][0]
    messages = [message for (_action, message), _result in settled]
    request = OutboundRequest(
        uuid7(),
        action,
        messages,
        bulk.results_request(credential.value, job.id, failed=results.failed),
        (),
        list_record_writes(lane.connection, action, messages, chunk.config),
    )
    lines = "".join(result.line for _message, result in settled)
    return SendResult(
        LaneBatch(lane.lane, lane.connection, credential, [request], leased_at=lane.leased_at),
        request,
        [result.outcome for _message, result in settled],
        job.closed_at,
        max(0, (results.response.at - job.closed_at) // timedelta(milliseconds=1)),
        replace(results.response, body=lines.encode()),
    )
