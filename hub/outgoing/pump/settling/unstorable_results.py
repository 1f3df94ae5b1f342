"""Set aside a result that cannot be stored, so that the others can be stored."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction

from hub.outgoing.models import Attempt, Delivery
from hub.outgoing.pump.settling.settle import apply_transitions, promote_ordered_followers
from hub.outgoing.pump.settling.transitions import DELIVERED, Transition
from hub.outgoing.pump.types import NotSent, OutboundMessage, RequestResult, SendResult

NOT_SENT = "not_sent"  # of a request without an outcome
UNCLEAR_KINDS = {"unknown", "pending"}  # outcomes after which a message may have arrived

log = structlog.get_logger(__name__)


def hold_unstorable_result(
    lease: UUID, result: RequestResult, error: Exception, *, now: datetime
) -> Counter[tuple[str, str]]:
    """Hold the deliveries of a result that cannot be stored, with the reason *defect*.

    Delivered ones stay delivered. An attempt is stored, but no exchange. Return counts by name and
    label, for the metrics.
    """
    messages = result.request.messages
    ids = [message.delivery.pk for message in messages]
    log.error("pump.result_set_aside", deliveries=ids, exc_info=error)
    with transaction.atomic():
        leased = Delivery.unscoped.filter(pk__in=ids, state="sending", lease=lease)
        leased_ids = set(leased.select_for_update(no_key=True).values_list("pk", flat=True))
        kinds = [
            (message, kind)
            for message, kind in zip(messages, _outcome_kinds(result), strict=True)
            if message.delivery.pk in leased_ids
        ]
        transitions = [(message, _build_transition(kind, error)) for message, kind in kinds]
        apply_transitions(lease, transitions, now=now)
        promote_ordered_followers(transitions, now=now)
        if isinstance(result, SendResult):
            _insert_attempts(result, kinds, error)
    return Counter({("results_set_aside", ""): 1})


def _outcome_kinds(result: RequestResult) -> list[str]:
    """Return the kind of each message's outcome; *unknown* if the connector returned too few."""
    count = len(result.request.messages)
    if isinstance(result, NotSent):
        return [NOT_SENT] * count
    kinds: list[str] = [outcome.kind for outcome in result.outcomes]
    return kinds if len(kinds) == count else ["unknown"] * count


def _build_transition(kind: str, error: Exception) -> Transition:
    if kind == "delivered":
        return DELIVERED
    return Transition(
        "held",
        "defect",
        f"its result could not be stored: {type(error).__name__}",
        attempts_returned=1 if kind == NOT_SENT else 0,
        possibly_delivered=kind in UNCLEAR_KINDS,
    )


def _insert_attempts(
    result: SendResult, kinds: Sequence[tuple[OutboundMessage, str]], error: Exception
) -> None:
    """Store an attempt of each delivery, without any data of the response."""
    Attempt.unscoped.bulk_create(
        Attempt(
            delivery_id=message.delivery.pk,
            number=message.delivery.attempt_count,
            started_at=result.started_at,
            outcome=kind,
            reason="defect",
            detail=f"the result could not be stored: {type(error).__name__}",
        )
        for message, kind in kinds
    )
