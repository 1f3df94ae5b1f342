"""What a person decides about a delivery: retry it, send it again, cancel or skip it. Joins the caller's transaction.

Each raises WrongState, and changes nothing then, where the delivery's state does not allow it.
"""

import json
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Max

from hub.outgoing.drain import attach, judge
from hub.outgoing.explain import standing
from hub.outgoing.match import repetition_of
from hub.outgoing.models import DONE, STOPPED, Delivery, EventBody, Rendering
from hub.outgoing.order import promote, queue_up, requeue
from hub.outgoing.wake import wake
from hub.states import WrongState

SKIPPED_BY_PERSON = "skipped_by_person"
LIMITED = {"retry", "send_again"}  # verbs that count as a replay


def can_retry(delivery: Delivery) -> bool:
    """Whether it has stopped, or waits for a later try."""
    return delivery.state in STOPPED or (delivery.state == "waiting" and delivery.due_at is not None)


def can_skip(delivery: Delivery) -> bool:
    """Whether it reads as held or failed. Reads its tenant and lane."""
    return standing(delivery)[0] in ("held", "failed")


def retry(delivery: Delivery, *, now: datetime) -> None:
    """The same row goes again, at once, with the bytes that it was rendered to if it was.

    Its attempts are counted on: at the end of the schedule a retry is one more attempt. What waits for a later try is
    tried now; where a closed lane holds it, it goes first thing when the lane opens.
    """
    if delivery.state == "waiting":
        try_now(delivery, now=now)
    elif delivery.state not in STOPPED or delivery.tenant.suspended or not let_go(delivery, now=now):
        raise WrongState(delivery, "waiting")


def try_now(delivery: Delivery, *, now: datetime) -> None:
    """Make a waiting delivery due. Its reason stays: why it waits is still what happened last."""
    waiting = Delivery.unscoped.filter(pk=delivery.pk, state="waiting", due_at__isnull=False)
    if delivery.tenant.suspended or not waiting.update(due_at=now, low_priority=False):
        raise WrongState(delivery, "waiting")
    delivery.due_at, delivery.low_priority = now, False
    wake([delivery.connection_id], now=now)


def let_go(delivery: Delivery, *, now: datetime) -> bool:
    """False where its cause still stands: the filter fails, there is no connection, or nothing to send is kept."""
    if delivery.reason == "filter_failed":
        before = delivery.state
        if EventBody.objects.filter(event_id=delivery.event_id).exists():
            judge(delivery, now=now)
        return delivery.state != before
    if delivery.connection_id is None:
        return attach(delivery, now=now)
    if not kept(delivery):
        return False
    requeue([delivery])
    fresh = {"crash_count": 0, "expires_at": None if delivery.reason == "expired" else delivery.expires_at}
    delivery.move(
        "waiting", reason="", detail="", due_at=now, state_changed_at=now, low_priority=False, quota_queue=0, **fresh
    )
    wake([delivery.connection_id], now=now)
    return True


def kept(delivery: Delivery) -> bool:
    """Whether there is something to send: the bytes that it was rendered to, or the event's body."""
    rendered = Rendering.objects.filter(delivery_id=delivery.pk)
    return rendered.exists() or EventBody.objects.filter(event_id=delivery.event_id).exists()


def cancel(delivery: Delivery, *, now: datetime) -> None:
    """It is not sent; why it had not gone before stays on it, for a later retry."""
    delivery.move("cancelled", due_at=None, state_changed_at=now)
    wake(promote([delivery.pk], now=now), now=now)


def skip(delivery: Delivery, *, now: datetime) -> None:
    """What stopped is left aside for good; what it stopped for stays in its words."""
    if not can_skip(delivery):
        raise WrongState(delivery, "skipped")
    detail = delivery.detail or standing(delivery)[1]
    delivery.move("skipped", reason=SKIPPED_BY_PERSON, detail=detail, due_at=None, state_changed_at=now)
    wake(promote([delivery.pk], now=now), now=now)


def send_again(delivery: Delivery, *, now: datetime) -> Delivery:
    """A new delivery under the same outward id, by today's filter, field mapping and settings."""
    body = EventBody.objects.filter(event_id=delivery.event_id).first()
    if delivery.state not in DONE or delivery.connection is None or body is None:
        raise WrongState(delivery, "sent again")
    document = delivery.event.document(delivery.tenant, json.loads(bytes(body.body))["data"])
    again = repetition_of(delivery, document, latest(delivery) + 1, now=now)
    try:
        with transaction.atomic():
            queue_up([again])
            again.save(force_insert=True)
    except IntegrityError as error:  # somebody else sends it again at this moment
        raise WrongState(delivery, "sent again") from error
    if again.state == "waiting":
        wake([delivery.connection.pk], now=now)
    return again


def latest(delivery: Delivery) -> int:
    same = Delivery.unscoped.filter(event=delivery.event_id, route=delivery.route_id, connection=delivery.connection_id)
    return same.aggregate(Max("replay_number"))["replay_number__max"]
