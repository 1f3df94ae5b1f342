"""Actions of people on deliveries: retry, send again, cancel and skip.

`apply_delivery_action` (admin, portal, REST) and `execute_batch` (operations) call the function of
an action with deliveries that are locked. It changes those that meet the condition of the action
(`conditions.py`) and wakes their lanes. With an actor it writes one audit row for each changed
delivery; an operation is audited as a whole instead. All functions join the caller's transaction
and need a fixed number of statements, apart from the audit rows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hub.actions import Action, always, declare_actions
from hub.audit import ActorContext
from hub.db.state_machine import InvalidTransition
from hub.outgoing.insight.explain import (
    readable_deliveries,
    resolve_effective_state,
    resolve_state_and_reason,
)
from hub.outgoing.models import Delivery, EventBody, Rendering
from hub.outgoing.operations.conditions import CONDITIONS
from hub.outgoing.operations.replays import find_newest_replays, insert_replays, replay_key
from hub.outgoing.queue.ordering import lock_lanes_of, move_to_queue_end, promote_followers
from hub.outgoing.queue.wake import wake_lanes
from hub.outgoing.release import (
    FILTER_FAILED,
    build_delivery_document,
    load_event_bodies,
    reevaluate_deliveries,
    store_reevaluated,
    waiting_lane_ids,
)
from hub.outgoing.routing import build_replay
from hub.state_texts import state_label

SKIPPED_BY_PERSON = "skipped_by_person"
UNKNOWN_EFFECT = "unknown_effect"
WRITE_SCOPE = "deliveries:write"
# why an action that the state allows is not possible
IMPOSSIBLE = {
    "retry": gettext_lazy("It cannot be sent until the cause is fixed."),
    "send_again": gettext_lazy(
        "It cannot be replayed: its event is no longer stored, or another person has just "
        "replayed it."
    ),
}


@dataclass(frozen=True, slots=True)
class DeliveryActionContext:
    """Who acts, why and when. Without an actor, as in an operation, no audit row is written."""

    now: datetime
    actor: ActorContext | None = None
    reason: str = ""
    low_priority: bool = False  # the deliveries may wait for live ones


# --- one delivery ---------------------------------------------------------------------------------


@transaction.atomic
def apply_delivery_action(
    action: str, delivery: Delivery, actor: ActorContext, *, reason: str = "", now: datetime
) -> Delivery:
    """Lock one delivery, apply the action, and return the delivery that it changed or created.

    Raises InvalidTransition, and changes nothing, if the delivery's state does not allow the
    action.
    """
    context = DeliveryActionContext(now, actor, reason)
    changed = FUNCTIONS[action](lock_deliveries(Q(pk=delivery.pk)), context)
    if not changed:
        stored = readable_deliveries().filter(pk=delivery.pk).first()
        raise InvalidTransition(delivery, action, _describe_impossible(action, stored or delivery))
    return changed[0]


def _describe_impossible(action: str, delivery: Delivery) -> str:
    """Return why the action was not possible, and what to do about it."""
    state = resolve_effective_state(delivery)
    why = str(IMPOSSIBLE.get(action, "")) if CONDITIONS[action].is_met(delivery) else ""
    label = _("The delivery is %(state)s.") % {"state": state_label(state.state)}
    cause = () if why and action == "send_again" else (state.sentence, state.action)
    return " ".join(filter(None, map(str, (why or label, *cause))))


def lock_deliveries(condition: Q, *, skip_locked: bool = False) -> list[Delivery]:
    """Lock lanes, then their deliveries in the order of their ids; load all that an action reads.

    Deliveries that are being sent are left out: no action changes them, and the pump locks their
    lanes later, when it settles them.
    """
    lock_lanes_of(Delivery.unscoped.filter(condition))
    deliveries: QuerySet[Delivery] = readable_deliveries().filter(condition, ~Q(state="sending"))
    locked = deliveries.select_for_update(of=("self",), skip_locked=skip_locked, no_key=True)
    return list(locked.order_by("pk"))


# --- the actions ----------------------------------------------------------------------------------


def retry_deliveries(
    deliveries: Sequence[Delivery], context: DeliveryActionContext
) -> list[Delivery]:
    """Make the deliveries due now, with their rendered bytes; return the changed ones.

    The attempt count continues: at the end of the schedule a retry is one more attempt. A waiting
    delivery keeps its reason, which states the last failure. A failed filter is evaluated again,
    and a delivery without a connection gets the first that exists now. A delivery is not changed if
    this does not resolve its cause, or if neither a rendering nor the event's body is stored.
    """
    allowed = _select_allowed("retry", deliveries)
    before = _describe_states(allowed, context)
    waiting = [delivery for delivery in allowed if delivery.state == "waiting"]
    stopped_deliveries = _select_sendable(
        [delivery for delivery in allowed if delivery.state != "waiting"]
    )
    blocked = [delivery for delivery in stopped_deliveries if _needs_reevaluation(delivery)]
    plain = [delivery for delivery in stopped_deliveries if not _needs_reevaluation(delivery)]
    _update(waiting, due_at=context.now, low_priority=context.low_priority)
    _requeue(plain, context)
    cancelled_ids = {delivery.pk for delivery in blocked if delivery.state == "cancelled"}
    released = reevaluate_deliveries(blocked, now=context.now)
    for delivery in released:
        delivery.crash_count, delivery.low_priority = 0, context.low_priority
        if delivery.pk in cancelled_ids:
            delivery.position = None  # it joins the end of its queue
    lanes = waiting_lane_ids([*waiting, *plain]) | store_reevaluated(released, now=context.now)
    wake_lanes(lanes, now=context.now)  # once, so that lanes are locked in one order
    changed = [*waiting, *plain, *released]
    _audit_action("retry", changed, before, context)
    return changed


def send_deliveries_again(
    deliveries: Sequence[Delivery], context: DeliveryActionContext
) -> list[Delivery]:
    """Create deliveries with the same message ids, by the current filter, mapping and settings.

    A delivery is left out if its event body is no longer stored, or if a concurrent transaction
    sends the same message again.
    """
    allowed = _select_allowed("send_again", deliveries)
    before = _describe_states(allowed, context)
    bodies, numbers = load_event_bodies(allowed), find_newest_replays(allowed)
    sent = [delivery for delivery in allowed if delivery.event_id in bodies]
    replays = []
    for delivery in sent:
        numbers[replay_key(delivery)] += 1
        document = build_delivery_document(delivery, bodies)
        replay = build_replay(delivery, document, numbers[replay_key(delivery)], now=context.now)
        replay.low_priority = context.low_priority
        replays.append(replay)
    inserted = insert_replays(replays)
    wake_lanes(waiting_lane_ids(inserted), now=context.now)
    inserted_ids = {replay.public_id for replay in inserted}
    originals = [
        delivery
        for delivery, replay in zip(sent, replays, strict=True)
        if replay.public_id in inserted_ids
    ]
    _audit_action("send_again", originals, before, context, results=inserted)
    return inserted


def cancel_deliveries(
    deliveries: Sequence[Delivery], context: DeliveryActionContext
) -> list[Delivery]:
    """Cancel the deliveries; each keeps its reason for a later retry."""
    return _end_deliveries("cancel", deliveries, context, state="cancelled")


def skip_deliveries(
    deliveries: Sequence[Delivery], context: DeliveryActionContext
) -> list[Delivery]:
    """Skip held or failed deliveries for good; an empty detail becomes the last reason."""
    reasons = {delivery.pk: resolve_state_and_reason(delivery)[1] for delivery in deliveries}
    skipped = _end_deliveries(
        "skip", deliveries, context, state="skipped", reason=SKIPPED_BY_PERSON
    )
    undescribed = [delivery for delivery in skipped if not delivery.detail]
    for delivery in undescribed:
        delivery.detail = reasons[delivery.pk]
    Delivery.unscoped.bulk_update(undescribed, ["detail"])
    return skipped


DeliveryActionFunction = Callable[[Sequence[Delivery], DeliveryActionContext], list[Delivery]]
FUNCTIONS: Mapping[str, DeliveryActionFunction] = {
    "retry": retry_deliveries,
    "send_again": send_deliveries_again,
    "cancel": cancel_deliveries,
    "skip": skip_deliveries,
}


# --- as people and programs see them --------------------------------------------------------------


def _describe_retry(delivery: Delivery) -> str:
    """Return the result of a retry; a delivery whose cause is not fixed is held again."""
    state = resolve_effective_state(delivery)
    if state.state != "held":
        return ""
    return _("It is due now and is sent once the cause is fixed: %(why)s") % {"why": state.sentence}


def _find_repetition(delivery: Delivery) -> str:
    """Return the warning that the delivery may arrive twice."""
    if delivery.reason == UNKNOWN_EFFECT:
        return _(
            "It may have arrived already, and this system cannot recognise a repetition. Check "
            "there first. If it has arrived, cancel it here instead."
        )
    if delivery.possibly_delivered:
        return _(
            "An earlier attempt may have arrived. A retry uses the same ID; a system that does not "
            "support IDs may show the message twice."
        )
    return ""


DELIVERY_ACTIONS = declare_actions(
    Action[Delivery](
        name="retry",
        label=gettext_lazy("Retry now"),
        question=gettext_lazy(
            "Sends the same message again immediately: with the same content and ID, to the "
            "current address and with the current secret. Routes are not evaluated again."
        ),
        success=gettext_lazy("The delivery is being retried."),
        summary="Retry a delivery",
        run=partial(apply_delivery_action, "retry"),
        is_available=CONDITIONS["retry"].is_met,
        scope=WRITE_SCOPE,
        limit="replays",
        asks_reason=lambda delivery: delivery.reason == UNKNOWN_EFFECT,
        find_caution=_find_repetition,
        describe_result=_describe_retry,
        icon="refresh",
    ),
    Action[Delivery](
        name="send_again",
        label=gettext_lazy("Replay"),
        question=gettext_lazy(
            "Creates a new delivery with the current filter, mapping, address and secret. It has "
            "the same ID: a system that supports IDs accepts it once, others may show it twice."
        ),
        success=gettext_lazy("The new delivery has been created."),
        summary="Replay a delivery",
        run=partial(apply_delivery_action, "send_again"),
        asks_reason=always,
        is_available=CONDITIONS["send_again"].is_met,
        scope=WRITE_SCOPE,
        limit="replays",
        icon="forward",
        creates=True,
    ),
    Action[Delivery](
        name="cancel",
        label=gettext_lazy("Cancel"),
        question=gettext_lazy(
            "The delivery is not sent and not attempted again. It can be retried later."
        ),
        success=gettext_lazy("The delivery has been cancelled."),
        summary="Cancel a delivery",
        run=partial(apply_delivery_action, "cancel"),
        asks_reason=always,
        is_available=CONDITIONS["cancel"].is_met,
        scope=WRITE_SCOPE,
        icon="close",
        tone="danger",
    ),
    Action[Delivery](
        name="skip",
        label=gettext_lazy("Skip"),
        question=gettext_lazy(
            "The delivery is closed permanently, and later deliveries of an ordered route "
            "continue. It can still be replayed."
        ),
        success=gettext_lazy("The delivery has been skipped."),
        summary="Skip a delivery",
        run=partial(apply_delivery_action, "skip"),
        asks_reason=always,
        is_available=CONDITIONS["skip"].is_met,
        scope=WRITE_SCOPE,
        icon="redo",
        tone="danger",
    ),
)


# --- steps of several actions ---------------------------------------------------------------------


def _select_allowed(action: str, deliveries: Iterable[Delivery]) -> list[Delivery]:
    return [delivery for delivery in deliveries if CONDITIONS[action].is_met(delivery)]


def _update(deliveries: Sequence[Delivery], **columns: Any) -> None:
    """Write the same values to all deliveries, in the database and in memory."""
    if not deliveries:
        return
    Delivery.unscoped.filter(pk__in=[delivery.pk for delivery in deliveries]).update(**columns)
    for delivery in deliveries:
        for name, value in columns.items():
            setattr(delivery, name, value)


def _end_deliveries(
    action: str, deliveries: Sequence[Delivery], context: DeliveryActionContext, **columns: Any
) -> list[Delivery]:
    """Write a final state, and wake the lanes of what waited behind in ordered routes."""
    allowed = _select_allowed(action, deliveries)
    before = _describe_states(allowed, context)
    _update(allowed, due_at=None, state_changed_at=context.now, **columns)
    wake_followers(allowed, now=context.now)
    _audit_action(action, allowed, before, context)
    return allowed


def wake_followers(deliveries: Iterable[Delivery], *, now: datetime) -> None:
    """Wake the lanes of deliveries that waited behind these, just ended, in ordered routes."""
    ordered_ids = [delivery.pk for delivery in deliveries if delivery.position is not None]
    if ordered_ids:
        wake_lanes(promote_followers(ordered_ids, now=now), now=now)


# --- steps of a retry -----------------------------------------------------------------------------


def _needs_reevaluation(delivery: Delivery) -> bool:
    return delivery.reason == FILTER_FAILED or delivery.connection_id is None


def _requeue(deliveries: Sequence[Delivery], context: DeliveryActionContext) -> None:
    """Set stopped deliveries to *waiting*; a cancelled ordered one is appended to its queue."""
    move_to_queue_end(deliveries)
    _update([row for row in deliveries if row.reason == "expired"], expires_at=None)
    _update(
        deliveries,
        state="waiting",
        reason="",
        detail="",
        crash_count=0,
        low_priority=context.low_priority,
        quota_queue=0,
        due_at=context.now,
        state_changed_at=context.now,
    )


def _select_sendable(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Return the deliveries with stored content to send: a rendering, or the event's body."""
    if not deliveries:
        return []
    renderings = Rendering.objects.filter(pk__in=[delivery.pk for delivery in deliveries])
    rendered_ids = set(renderings.values_list("pk", flat=True))
    bodies = EventBody.objects.filter(pk__in={delivery.event_id for delivery in deliveries})
    event_ids = set(bodies.values_list("pk", flat=True))
    return [row for row in deliveries if row.pk in rendered_ids or row.event_id in event_ids]


# --- the audit ------------------------------------------------------------------------------------


def _describe_states(
    deliveries: Iterable[Delivery], context: DeliveryActionContext
) -> dict[int, dict[str, str]]:
    """Return the effective state and reason by primary key; empty if no audit row is written."""
    return {row.pk: _describe_state(row) for row in deliveries} if context.actor else {}


def _describe_state(delivery: Delivery) -> dict[str, str]:
    state, reason = resolve_state_and_reason(delivery)
    return {"state": state, "reason": reason}


def _audit_action(
    action: str,
    deliveries: Sequence[Delivery],
    before: Mapping[int, Mapping[str, str]],
    context: DeliveryActionContext,
    *,
    results: Sequence[Delivery] | None = None,
) -> None:
    """Write one audit row for each delivery; `results`: new deliveries, if any."""
    if context.actor is None:
        return
    for delivery, result in zip(deliveries, results or deliveries, strict=True):
        context.actor.audit(
            f"delivery.{action}",
            delivery,
            reason=context.reason,
            before=before[delivery.pk],
            after={**_describe_state(result), "delivery": str(result.public_id)},
            now=context.now,
        )
