"""Write down what came of it: deliveries, attempts, exchanges, quotas, connections, in one short transaction."""

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from connectors.outcomes import PERMISSION_MISSING, Outcome
from hub.crypto.redaction import redact_excerpt
from hub.db import bulk
from hub.outgoing.models import Attempt, Delivery, Exchange, Rendering
from hub.outgoing.pump.claiming.claim_sql import ClaimedDelivery
from hub.outgoing.pump.settling.connection_effects import last_failure_texts, update_endpoint_health
from hub.outgoing.pump.settling.evidence import attempt_columns, exchange_columns
from hub.outgoing.pump.settling.quota_feedback import apply_feedback, pause_end
from hub.outgoing.pump.settling.quota_queues import queue_throttled
from hub.outgoing.pump.settling.release import release_lanes
from hub.outgoing.pump.types import NotSent, OutboundMessage, Rejection, RequestResult, SendResult
from hub.outgoing.queue.ordering import promote_followers
from hub.outgoing.retry import DEFAULT_SCHEDULE, compute_next_attempt
from hub.processes.failpoints import failpoint

MAX_DETAIL = 500  # characters
FIXABLE_REASONS = {
    "egress_refused",
    PERMISSION_MISSING,
}  # refused by how it is connected: held until that changes


@dataclass(frozen=True, slots=True)
class Transition:
    """What becomes of one delivery."""

    state: str
    reason: str = ""
    detail: str = ""
    due_at: datetime | None = None
    attempts_returned: int = 0  # attempts given back: it cost none
    possibly_delivered: bool = False
    was_sent: bool = False  # it was sent, and the pump lives
    quota_queue: int = 0  # in which it waits for a quota


DELIVERED = Transition("delivered", was_sent=True)  # nearly all, so it is made once


def _transition_after(
    outcome: Outcome, message: OutboundMessage, *, now: datetime, random: Callable[[], float]
) -> Transition:
    """The state machine's next step after an outcome. Pure."""
    kind, detail = outcome.kind, outcome.detail
    if kind == "delivered":
        return DELIVERED
    if kind == "never":
        return Transition(
            "held" if outcome.reason in FIXABLE_REASONS else "failed", outcome.reason, detail
        )
    if kind == "pending":
        return Transition(
            "waiting",
            outcome.reason,
            detail,
            now + timedelta(seconds=outcome.after or 10.0),
            attempts_returned=1,
        )
    if kind in (
        "refresh",
        "reconnect",
        "disable",
    ):  # the lane is held by its connection, so it waits there
        return Transition("waiting", outcome.reason, detail, now, attempts_returned=1)
    if outcome.free:
        return Transition(
            "waiting", outcome.reason, detail, pause_end(outcome, now=now), attempts_returned=1
        )
    schedule = message.delivery.route.retry_schedule or DEFAULT_SCHEDULE
    possibly_delivered = kind == "unknown"
    if possibly_delivered and message.delivery.route.is_held_when_unknown:
        return Transition(
            "held", "unknown_effect", detail or outcome.reason, possibly_delivered=True
        )
    next_at = compute_next_attempt(
        message.delivery.attempt_count,
        now=now,
        random=random,
        requested_wait=outcome.after,
        schedule=schedule,
    )
    if next_at is None:
        return Transition(
            "failed", "exhausted", detail or outcome.reason, possibly_delivered=possibly_delivered
        )
    return Transition(
        "waiting", outcome.reason, detail, next_at, possibly_delivered=possibly_delivered
    )


def settle_results(
    lease: UUID,
    results: Sequence[RequestResult],
    finished_lanes: Collection[int],
    *,
    now: datetime,
    random: Callable[[], float],
) -> Counter[tuple[str, str]]:
    """Settle results of any lanes, and give back the lanes in `emptied`.

    Gives what there was of each kind, by name and label, for the tally.
    """
    send_results = [result for result in results if isinstance(result, SendResult)]
    apply_feedback(
        send_results, now=now
    )  # first: whoever claims a lane that is given back finds its quotas paused
    queue_throttled(results, now=now)
    transitions = list(find_transitions(results, now=now, random=random))
    attempts, exchanges = (
        attempt_columns(send_results),
        exchange_columns(send_results),
    )  # redacted while nobody waits
    failure_texts = last_failure_texts(send_results)
    with transaction.atomic():
        applied_count = apply_transitions(lease, transitions, now=now)
        failpoint("O6")  # in the middle of settling
        _promote_ordered_followers(transitions, now=now)
        with bulk.insert_pipeline():
            bulk.insert_rows(Attempt, attempts)
            bulk.insert_rows(Exchange, exchanges)
        _store_tickets(send_results)
        update_endpoint_health(send_results, failure_texts, now=now)
        release_lanes(lease, finished_lanes, now=now)
    return count_results(results, now=now) + Counter(
        {("lease_losses", ""): len(transitions) - applied_count}
    )


def hold_rejected(lease: UUID, rejections: Sequence[Rejection], *, now: datetime) -> None:
    """A cause of its own: these were not sent, and it cost no attempt."""
    apply_transitions(
        lease,
        [
            (
                rejection.delivery,
                Transition("held", rejection.reason, rejection.detail[:500], attempts_returned=1),
            )
            for rejection in rejections
        ],
        now=now,
    )


def find_transitions(
    results: Sequence[RequestResult], *, now: datetime, random: Callable[[], float]
) -> Iterable[tuple[ClaimedDelivery, Transition]]:
    for result in results:
        if isinstance(result, NotSent):
            for message in result.request.messages:
                due_at, throttled = (
                    result.due_at or message.delivery.due_at,
                    result.reason == "throttled",
                )
                queue_id = (
                    result.request.return_queue_id if throttled else message.delivery.quota_queue
                )
                yield (
                    message.delivery,
                    Transition(
                        "waiting",
                        result.reason,
                        "",
                        due_at,
                        attempts_returned=1,
                        quota_queue=queue_id,
                    ),
                )
        else:
            for message, outcome in zip(result.request.messages, result.outcomes, strict=True):
                transition = _transition_after(outcome, message, now=now, random=random)
                if transition is not DELIVERED:
                    detail = redact_excerpt(transition.detail, MAX_DETAIL, result.batch.secrets)
                    queue_id = (
                        result.request.return_queue_id
                        if outcome.pauses and transition.state == "waiting"
                        else 0
                    )
                    transition = replace(
                        transition, detail=detail, was_sent=True, quota_queue=queue_id
                    )
                yield message.delivery, transition


def count_results(results: Sequence[RequestResult], *, now: datetime) -> Counter[tuple[str, str]]:
    """Attempts by outcome; and what a quota sent back, with the milliseconds that it waits."""
    send_results = (result for result in results if isinstance(result, SendResult))
    counts = Counter(
        ("attempts", outcome.kind)
        for send_result in send_results
        for outcome in send_result.outcomes
    )
    for result in results:
        if isinstance(result, NotSent) and result.reason == "throttled" and result.due_at:
            message_count = len(result.request.messages)
            wait = max(timedelta(), result.due_at - now) // timedelta(milliseconds=1)
            counts.update(
                {("quota_waits", ""): message_count, ("quota_wait_ms", ""): message_count * wait}
            )
    return counts


def apply_transitions(
    lease: UUID, transitions: Sequence[tuple[ClaimedDelivery, Transition]], *, now: datetime
) -> int:
    """All in one statement; a row whose lease was lost stays as its new holder has it. Gives how many were ours."""
    columns = {
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


def _promote_ordered_followers(
    transitions: Sequence[tuple[ClaimedDelivery, Transition]], *, now: datetime
) -> None:
    """What stood behind those of ordered routes that have arrived."""
    delivered_ids = [
        delivery.pk
        for delivery, transition in transitions
        if delivery.position is not None and transition.state == "delivered"
    ]
    if delivered_ids:
        promote_followers(delivered_ids, now=now)


def _store_tickets(send_results: Sequence[SendResult]) -> None:
    """What is taken and not yet confirmed is asked about by its ticket; what goes again has none."""
    tickets = {
        message.delivery.pk: outcome.ticket
        for send_result in send_results
        for message, outcome in zip(send_result.request.messages, send_result.outcomes, strict=True)
        if outcome.ticket or message.content.ticket
    }
    for ticket, group in itertools.groupby(
        sorted(tickets, key=tickets.__getitem__), key=tickets.__getitem__
    ):
        Rendering.objects.filter(delivery_id__in=list(group)).update(ticket=ticket)
