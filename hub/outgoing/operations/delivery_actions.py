"""What a person decides about a delivery: retry it, send it again, cancel or skip it. Joins the caller's transaction.

Each raises WrongState, and changes nothing then, where the delivery's state does not allow it.
"""

import json
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Max

from hub.db.state_machine import InvalidTransition
from hub.outgoing.insight.explain import resolve_state_and_reason
from hub.outgoing.models import FINAL_STATES, RETRYABLE_STATES, Delivery, EventBody, Rendering
from hub.outgoing.queue.ordering import assign_positions, move_to_queue_end, promote_followers
from hub.outgoing.queue.wake import wake_lanes
from hub.outgoing.release import attach_connection, reevaluate_filter
from hub.outgoing.routing import build_replay

SKIPPED_BY_PERSON = "skipped_by_person"
REPLAY_ACTIONS = {"retry", "send_again"}  # verbs that count as a replay


def can_retry(delivery: Delivery) -> bool:
    """Whether it has stopped, or waits for a later try."""
    return delivery.state in RETRYABLE_STATES or (
        delivery.state == "waiting" and delivery.due_at is not None
    )


def can_skip(delivery: Delivery) -> bool:
    """Whether it reads as held or failed. Reads its tenant and lane."""
    return resolve_state_and_reason(delivery)[0] in ("held", "failed")


def retry_delivery(delivery: Delivery, *, now: datetime) -> None:
    """The same row goes again, at once, with the bytes that it was rendered to if it was.

    Its attempts are counted on: at the end of the schedule a retry is one more attempt. What waits for a later try is
    tried now; where a closed lane holds it, it goes first thing when the lane opens.
    """
    if delivery.state == "waiting":
        _make_due_now(delivery, now=now)
    elif (
        delivery.state not in RETRYABLE_STATES
        or delivery.tenant.suspended
        or not _release_delivery(delivery, now=now)
    ):
        raise InvalidTransition(delivery, "waiting")


def _make_due_now(delivery: Delivery, *, now: datetime) -> None:
    """Make a waiting delivery due. Its reason stays: why it waits is still what happened last."""
    waiting = Delivery.unscoped.filter(pk=delivery.pk, state="waiting", due_at__isnull=False)
    if delivery.tenant.suspended or not waiting.update(due_at=now, low_priority=False):
        raise InvalidTransition(delivery, "waiting")
    delivery.due_at, delivery.low_priority = now, False
    wake_lanes([delivery.connection_id], now=now)


def _release_delivery(delivery: Delivery, *, now: datetime) -> bool:
    """False where its cause still stands: the filter fails, there is no connection, or nothing to send is kept."""
    if delivery.reason == "filter_failed":
        state_before = delivery.state
        if EventBody.objects.filter(event_id=delivery.event_id).exists():
            reevaluate_filter(delivery, now=now)
        return delivery.state != state_before
    if delivery.connection_id is None:
        return attach_connection(delivery, now=now)
    if not has_stored_content(delivery):
        return False
    move_to_queue_end([delivery])
    reset_columns = {
        "crash_count": 0,
        "expires_at": None if delivery.reason == "expired" else delivery.expires_at,
    }
    delivery.transition_to(
        "waiting",
        reason="",
        detail="",
        due_at=now,
        state_changed_at=now,
        low_priority=False,
        quota_queue=0,
        **reset_columns,
    )
    wake_lanes([delivery.connection_id], now=now)
    return True


def has_stored_content(delivery: Delivery) -> bool:
    """Whether there is something to send: the bytes that it was rendered to, or the event's body."""
    rendered = Rendering.objects.filter(delivery_id=delivery.pk)
    return rendered.exists() or EventBody.objects.filter(event_id=delivery.event_id).exists()


def cancel_delivery(delivery: Delivery, *, now: datetime) -> None:
    """It is not sent; why it had not gone before stays on it, for a later retry."""
    delivery.transition_to("cancelled", due_at=None, state_changed_at=now)
    wake_lanes(promote_followers([delivery.pk], now=now), now=now)


def skip_delivery(delivery: Delivery, *, now: datetime) -> None:
    """What stopped is left aside for good; what it stopped for stays in its words."""
    if not can_skip(delivery):
        raise InvalidTransition(delivery, "skipped")
    detail = delivery.detail or resolve_state_and_reason(delivery)[1]
    delivery.transition_to(
        "skipped", reason=SKIPPED_BY_PERSON, detail=detail, due_at=None, state_changed_at=now
    )
    wake_lanes(promote_followers([delivery.pk], now=now), now=now)


def send_delivery_again(delivery: Delivery, *, now: datetime) -> Delivery:
    """A new delivery under the same outward id, by today's filter, field mapping and settings."""
    body = EventBody.objects.filter(event_id=delivery.event_id).first()
    if delivery.state not in FINAL_STATES or delivery.connection is None or body is None:
        raise InvalidTransition(delivery, "sent again")
    document = delivery.event.build_document(delivery.tenant, json.loads(bytes(body.body))["data"])
    new_delivery = build_replay(delivery, document, _find_newest_replay(delivery) + 1, now=now)
    try:
        with transaction.atomic():
            assign_positions([new_delivery])
            new_delivery.save(force_insert=True)
    except IntegrityError as error:  # somebody else sends it again at this moment
        raise InvalidTransition(delivery, "sent again") from error
    if new_delivery.state == "waiting":
        wake_lanes([delivery.connection.pk], now=now)
    return new_delivery


def _find_newest_replay(delivery: Delivery) -> int:
    siblings = Delivery.unscoped.filter(
        event=delivery.event_id, route=delivery.route_id, connection=delivery.connection_id
    )
    return siblings.aggregate(Max("replay_number"))["replay_number__max"]
