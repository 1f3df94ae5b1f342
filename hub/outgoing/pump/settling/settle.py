"""Store results: deliveries, attempts, exchanges, quotas, connections, in one short transaction."""

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from hub.db import bulk
from hub.outgoing.models import Attempt, Delivery, Exchange, Rendering
from hub.outgoing.pump.claiming.deliveries import ClaimedDelivery
from hub.outgoing.pump.settling.connection_effects import apply_connection_outcomes
from hub.outgoing.pump.settling.endpoint_health import last_failure_texts, update_endpoint_health
from hub.outgoing.pump.settling.evidence import build_attempt_columns, build_exchange_columns
from hub.outgoing.pump.settling.quota_feedback import apply_feedback
from hub.outgoing.pump.settling.quota_queues import queue_throttled
from hub.outgoing.pump.settling.release_lanes import release_lanes
from hub.outgoing.pump.settling.transitions import Transition, find_transitions
from hub.outgoing.pump.settling.written_records import complete_written_records
from hub.outgoing.pump.types import MAX_DETAIL_LENGTH, Rejection, RequestResult, SendResult
from hub.outgoing.queue.ordering import promote_followers
from hub.processes.failpoints import failpoint

Transitions = Sequence[tuple[ClaimedDelivery, Transition]]


def settle_results(
    lease: UUID,
    results: Sequence[RequestResult],
    finished_lanes: Collection[int],
    *,
    now: datetime,
    random: Callable[[], float],
) -> Counter[tuple[str, str]]:
    """Store results of any lanes, and release the finished lanes.

    Return counts by name and label, for the metrics.
    """
    send_results = [result for result in results if isinstance(result, SendResult)]
    # before the transaction, so that the pump that claims a released lane finds its quotas paused
    apply_feedback(send_results, now=now)
    apply_connection_outcomes(send_results, now=now)
    queue_throttled(results, now=now)
    transitions = list(find_transitions(results, now=now, random=random))
    # redaction takes time, and holds no lock here
    attempts, exchanges = build_attempt_columns(send_results), build_exchange_columns(send_results)
    failure_texts = last_failure_texts(send_results)
    with transaction.atomic():
        applied_count = apply_transitions(lease, transitions, now=now)
        failpoint("O6")  # in the middle of settling
        promote_ordered_followers(transitions, now=now)
        with bulk.insert_pipeline():
            bulk.insert_rows(Attempt, attempts)
            bulk.insert_rows(Exchange, exchanges)
        _store_tickets(send_results)
        complete_written_records(results, now=now)
        update_endpoint_health(send_results, failure_texts, now=now)
        release_lanes(lease, finished_lanes, now=now)
    lost_count = len(transitions) - applied_count
    return count_results(results, now=now) + Counter({("lease_losses", ""): lost_count})


def apply_rejections(lease: UUID, rejections: Sequence[Rejection], *, now: datetime) -> None:
    """Hold or skip the deliveries that are not sent; their attempt is not counted."""
    transitions = [
        (
            rejection.delivery,
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
            delivery.attempt_count - transition.attempts_returned
            for delivery, transition in transitions
        ],
        "crash_count": [
            0 if transition.was_sent and transition.state == "waiting" else delivery.crash_count
            for delivery, transition in transitions
        ],
        "possibly_delivered": [
            delivery.possibly_delivered or transition.possibly_delivered
            for delivery, transition in transitions
        ],
        "mapping_version": [delivery.version for delivery, _ in transitions],
        "lease": [None] * len(transitions),
        "state_changed_at": [now] * len(transitions),
    }
    keys = [delivery.pk for delivery, _ in transitions]
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
        delivery.pk
        for delivery, transition in transitions
        if delivery.position is not None and transition.state in ("delivered", "skipped")
    ]
    if passed_ids:
        promote_followers(passed_ids, now=now)


def _store_tickets(send_results: Sequence[SendResult]) -> None:
    """Store the tickets by which pending deliveries are confirmed, and clear the tickets of
    deliveries sent again.
    """
    tickets = {
        message.delivery.pk: outcome.ticket
        for send_result in send_results
        for message, outcome in zip(send_result.request.messages, send_result.outcomes, strict=True)
        if outcome.ticket or message.content.ticket
    }
    by_ticket = sorted(tickets, key=tickets.__getitem__)
    for ticket, group in itertools.groupby(by_ticket, key=tickets.__getitem__):
        Rendering.objects.filter(delivery_id__in=list(group)).update(ticket=ticket)
