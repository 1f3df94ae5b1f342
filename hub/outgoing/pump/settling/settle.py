"""Store results: deliveries, attempts, exchanges, quotas, connections, in one short transaction."""

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from hub.connections.calls.authorization import CONNECTION_OUTCOMES, apply_connection_outcome
from hub.db import bulk
from hub.outgoing.models import Attempt, Delivery, Exchange, Rendering
from hub.outgoing.pump.settling.endpoint_health import last_failure_texts, update_endpoint_health
from hub.outgoing.pump.settling.evidence import build_attempt_columns, build_exchange_columns
from hub.outgoing.pump.settling.quota_feedback import apply_feedback
from hub.outgoing.pump.settling.quota_queues import queue_throttled
from hub.outgoing.pump.settling.release_lanes import release_lanes
from hub.outgoing.pump.settling.transitions import Transition, find_transitions
from hub.outgoing.pump.settling.written_records import complete_written_records
from hub.outgoing.pump.types import (
    MAX_DETAIL_LENGTH,
    NotSent,
    OutboundMessage,
    Rejection,
    RequestResult,
    SendResult,
)
from hub.outgoing.queue.ordering import promote_followers
from hub.processes.failpoints import failpoint

Transitions = Sequence[tuple[OutboundMessage | Rejection, Transition]]


def settle_results(
    lease: UUID,
    results: Sequence[RequestResult],
    finished_lanes: Collection[int],
    *,
    now: datetime,
    random: Callable[[], float],
) -> Counter[tuple[str, str]]:
    """Store results of any lanes, and release the finished lanes.

    Nothing is stored of deliveries that another pump took over: their attempts were ended by it.
    Return counts by name and label, for the metrics.
    """
    send_results = _list_send_results(results)
    # before the transaction, so that the pump that claims a released lane finds its quotas paused
    apply_feedback(send_results, now=now)
    apply_connection_outcomes(send_results, now=now)
    results = queue_throttled(results, now=now)
    lost_count = 0
    while True:
        try:
            _store_results(lease, results, finished_lanes, now=now, random=random)
        except DeliveriesLost:  # rare; asked only now, as a pump nearly always has its leases
            held_ids = _find_held_deliveries(lease, results)
            lost_count += sum(len(result.request.messages) for result in results) - len(held_ids)
            results = [_keep_held(result, held_ids) for result in results]
            results = [result for result in results if result.request.messages]
        else:
            return count_results(results, now=now) + Counter({("lease_losses", ""): lost_count})


class DeliveriesLost(Exception):
    """Another pump took over some of the deliveries; the transaction is undone."""


def apply_connection_outcomes(send_results: Sequence[SendResult], *, now: datetime) -> None:
    """Change the state of connections, which holds their lanes."""
    for send_result in send_results:
        batch = send_result.batch
        for outcome in send_result.distinct_outcomes():
            if outcome.kind in CONNECTION_OUTCOMES:
                apply_connection_outcome(
                    batch.connection.pk,
                    outcome,
                    used_version=batch.credential_version,
                    secrets=batch.secrets,
                    now=now,
                )


def _list_send_results(results: Sequence[RequestResult]) -> list[SendResult]:
    return [result for result in results if isinstance(result, SendResult)]


def _find_held_deliveries(lease: UUID, results: Sequence[RequestResult]) -> set[int]:
    """Return which deliveries of these results this pump still sends."""
    ids = [message.delivery.pk for result in results for message in result.request.messages]
    held = Delivery.unscoped.filter(pk__in=ids, state="sending", lease=lease)
    return set(held.values_list("pk", flat=True))


def _keep_held(result: RequestResult, held_ids: Collection[int]) -> RequestResult:
    """Return the result of these deliveries only."""
    is_held = [message.delivery.pk in held_ids for message in result.request.messages]
    request = replace(
        result.request, messages=list(itertools.compress(result.request.messages, is_held))
    )
    if isinstance(result, NotSent):
        return replace(result, request=request)
    outcomes = list(itertools.compress(result.outcomes, is_held))
    return replace(result, request=request, outcomes=outcomes)


def _store_results(
    lease: UUID,
    results: Sequence[RequestResult],
    finished_lanes: Collection[int],
    *,
    now: datetime,
    random: Callable[[], float],
) -> None:
    """Store results in one transaction. Raises DeliveriesLost, and stores nothing then."""
    send_results = _list_send_results(results)
    transitions = list(find_transitions(results, now=now, random=random))
    # redaction takes time, and holds no lock here
    attempts, exchanges = build_attempt_columns(send_results), build_exchange_columns(send_results)
    failure_texts = last_failure_texts(send_results)
    with transaction.atomic():
        if apply_transitions(lease, transitions, now=now) < len(transitions):
            raise DeliveriesLost
        failpoint("O6")  # in the middle of settling
        promote_ordered_followers(transitions, now=now)
        with bulk.insert_pipeline():
            bulk.insert_rows(Attempt, attempts)
            bulk.insert_rows(Exchange, exchanges)
        _store_tickets(send_results)
        complete_written_records(results, now=now)
        update_endpoint_health(send_results, failure_texts, now=now)
        release_lanes(lease, finished_lanes, now=now)


def apply_rejections(lease: UUID, rejections: Sequence[Rejection], *, now: datetime) -> None:
    """Hold or skip the deliveries that are not sent; their attempt is not counted."""
    transitions = [
        (
            rejection,
            Transition(
                rejection.state,
                rejection.reason,
                rejection.detail[:MAX_DETAIL_LENGTH],
                attempts_returned=1,
            ),
        )
        for rejection in rejections
    ]
    apply_transitions(lease, transitions, now=now)
    promote_ordered_followers(transitions, now=now)


def apply_transitions(lease: UUID, transitions: Transitions, *, now: datetime) -> int:
    """Store transitions in one statement; return how many were applied.

    A delivery whose lease was lost is not changed, as another pump has claimed it.
    """
    columns: dict[str, Sequence[Any]] = {
        "state": [transition.state for _, transition in transitions],
        "reason": [transition.reason for _, transition in transitions],
        "detail": [transition.detail for _, transition in transitions],
        "due_at": [transition.due_at for _, transition in transitions],
        "quota_queue": [transition.quota_queue for _, transition in transitions],
        "attempt_count": [
            source.delivery.attempt_count - transition.attempts_returned
            for source, transition in transitions
        ],
        "crash_count": [
            0
            if transition.was_sent and transition.state == "waiting"
            else source.delivery.crash_count
            for source, transition in transitions
        ],
        "possibly_delivered": [
            source.delivery.possibly_delivered or transition.possibly_delivered
            for source, transition in transitions
        ],
        "mapping_version": [source.version for source, _ in transitions],
        "lease": [None] * len(transitions),
        "state_changed_at": [now] * len(transitions),
    }
    keys = [source.delivery.pk for source, _ in transitions]
    return bulk.update_rows(Delivery, keys, columns, only={"state": "sending", "lease": lease})


def count_results(results: Sequence[RequestResult], *, now: datetime) -> Counter[tuple[str, str]]:
    """Count attempts by outcome, deliveries that wait for a quota, and the sum of these waits."""
    counts: Counter[tuple[str, str]] = Counter()
    for result in results:
        if isinstance(result, SendResult):
            counts.update(("attempts", outcome.kind) for outcome in result.outcomes)
        elif result.reason == "throttled" and result.due_at:
            message_count = len(result.request.messages)
            wait = max(timedelta(), result.due_at - now) // timedelta(milliseconds=1)
            counts["quota_waits", ""] += message_count
            counts["quota_wait_ms", ""] += message_count * wait
    return counts


def promote_ordered_followers(transitions: Transitions, *, now: datetime) -> None:
    """Make deliveries due that waited behind delivered or skipped ones of ordered routes."""
    passed_ids = [
        source.delivery.pk
        for source, transition in transitions
        if source.delivery.position is not None and transition.state in ("delivered", "skipped")
    ]
    if passed_ids:
        promote_followers(passed_ids, now=now)


def _store_tickets(send_results: Sequence[SendResult]) -> None:
    """Store the tickets that confirm pending deliveries, and clear those of what is sent again."""
    tickets = {
        message.delivery.pk: outcome.ticket
        for send_result in send_results
        for message, outcome in zip(send_result.request.messages, send_result.outcomes, strict=True)
        if outcome.ticket or message.content.ticket
    }
    by_ticket = sorted(tickets, key=tickets.__getitem__)
    for ticket, group in itertools.groupby(by_ticket, key=tickets.__getitem__):
        Rendering.objects.filter(delivery_id__in=list(group)).update(ticket=ticket)
