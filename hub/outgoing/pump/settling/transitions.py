"""Transitions after an outcome: the delivery's state machine, as pure functions."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connectors.outcomes import PERMISSION_MISSING, Outcome
from hub.connections.calls.authorization import CONNECTION_OUTCOMES
from hub.connections.calls.reserved_call import pause_end
from hub.crypto.redaction import redact_excerpt
from hub.outgoing.attempt_schedule import DEFAULT_SCHEDULE, compute_next_attempt
from hub.outgoing.pump.types import (
    MAX_DETAIL_LENGTH,
    NotSent,
    OutboundMessage,
    RequestResult,
    SendResult,
)

# Refusals that a change of the connection can remove: the delivery is held until then.
FIXABLE_REASONS = {"egress_refused", PERMISSION_MISSING}
CONFIRM_AFTER_SECONDS = 10.0  # seconds until a ticket is asked about, if the system names no time


@dataclass(frozen=True, slots=True)
class Transition:
    """The new state of a delivery, and what changes with it."""

    state: str
    reason: str = ""
    detail: str = ""
    due_at: datetime | None = None
    attempts_returned: int = 0  # attempts that are not counted
    possibly_delivered: bool = False
    was_sent: bool = False  # it was sent, and the pump survived
    quota_queue: int = 0  # QuotaQueue in which it waits; 0: none


DELIVERED = Transition("delivered", was_sent=True)  # shared, as nearly all are delivered


def find_transitions(
    results: Sequence[RequestResult], *, now: datetime, random: Callable[[], float]
) -> Iterable[tuple[OutboundMessage, Transition]]:
    """Yield each message of these results with the transition of its delivery."""
    for result in results:
        if isinstance(result, NotSent):
            yield from _return_transitions(result)
        else:
            for message, outcome in zip(result.request.messages, result.outcomes, strict=True):
                transition = transition_after(outcome, message, now=now, random=random)
                if transition is not DELIVERED:
                    transition = _complete_transition(transition, outcome, result)
                yield message, transition


def _return_transitions(result: NotSent) -> Iterable[tuple[OutboundMessage, Transition]]:
    """Yield the messages of a request that was not sent: each waits as before, or for a quota."""
    is_throttled = result.reason == "throttled"
    for message in result.request.messages:
        delivery = message.delivery
        transition = Transition(
            "waiting",
            result.reason,
            due_at=result.due_at or delivery.due_at,
            attempts_returned=1,
            quota_queue=result.quota_queue if is_throttled else delivery.quota_queue,
        )
        yield message, transition


def _complete_transition(
    transition: Transition, outcome: Outcome, result: SendResult
) -> Transition:
    """Return the transition of a sent delivery with its detail redacted, and its quota queue."""
    waits_for_quota = (
        outcome.costs_no_attempt and outcome.paused_scopes and transition.state == "waiting"
    )
    return replace(
        transition,
        detail=redact_excerpt(transition.detail, MAX_DETAIL_LENGTH, result.batch.secrets),
        was_sent=True,
        quota_queue=result.quota_queue if waits_for_quota else 0,
    )


def transition_after(
    outcome: Outcome, message: OutboundMessage, *, now: datetime, random: Callable[[], float]
) -> Transition:
    """Return the delivery's new state after this outcome, with what changes with it."""
    kind, reason, detail = outcome.kind, outcome.reason, outcome.detail
    if kind == "delivered":
        return DELIVERED
    if kind == "never":
        return Transition("held" if reason in FIXABLE_REASONS else "failed", reason, detail)
    if kind == "pending":
        due_at = now + timedelta(seconds=outcome.after or CONFIRM_AFTER_SECONDS)
        return Transition("waiting", reason, detail, due_at, attempts_returned=1)
    if kind in CONNECTION_OUTCOMES:  # it waits on its lane, which the connection holds
        return Transition("waiting", reason, detail, now, attempts_returned=1)
    if outcome.costs_no_attempt:
        due_at = pause_end(outcome, now=now)
        return Transition("waiting", reason, detail, due_at, attempts_returned=1)
    return _retry_transition(outcome, message, now=now, random=random)


def _retry_transition(
    outcome: Outcome, message: OutboundMessage, *, now: datetime, random: Callable[[], float]
) -> Transition:
    """Return the next attempt of the route's schedule; *failed* after the last one."""
    delivery, route = message.delivery, message.delivery.route
    is_unknown = outcome.kind == "unknown"
    cause = outcome.detail or outcome.reason
    if is_unknown and route.is_held_when_unknown:
        return Transition("held", "unknown_effect", cause, possibly_delivered=True)
    next_at = compute_next_attempt(
        delivery.attempt_count,
        now=now,
        random=random,
        requested_wait=outcome.after,
        schedule=route.retry_schedule or DEFAULT_SCHEDULE,
    )
    if next_at is None:
        return Transition("failed", "exhausted", cause, possibly_delivered=is_unknown)
    return Transition(
        "waiting", outcome.reason, outcome.detail, next_at, possibly_delivered=is_unknown
    )
