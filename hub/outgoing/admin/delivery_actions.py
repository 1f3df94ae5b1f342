"""The actions on one delivery's staff page."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponseRedirect

from hub.audit import ActorContext
from hub.db.state_machine import InvalidTransition
from hub.outgoing.admin.read_only_admin import ReadOnlyAdmin
from hub.outgoing.forms.delivery_forms import ReasonForm
from hub.outgoing.insight.explain import EffectiveState, resolve_effective_state
from hub.outgoing.models import Delivery
from hub.outgoing.operations.conditions import CONDITIONS
from hub.outgoing.operations.delivery_actions import apply_delivery_action
from hub.staff import ActionRejected, ActionResult, row_action

UNKNOWN_EFFECT = "unknown_effect"


class DeliveryRowActions(ReadOnlyAdmin):
    """Retry, replay, cancel and skip, each offered while its condition is met."""

    row_actions = ("retry", "retry_possibly_delivered", "send_again", "skip", "cancel")

    def suggested_action(self, delivery: Delivery) -> str:
        return "retry" if delivery.state == "failed" else ""

    @row_action(
        "Retry now",
        icon="refresh",
        is_available=lambda delivery: (
            CONDITIONS["retry"].is_met(delivery) and delivery.reason != UNKNOWN_EFFECT
        ),
    )
    def retry(
        self, request: HttpRequest, delivery: Delivery, data: dict[str, Any], *, now: datetime
    ) -> ActionResult:
        try:
            changed = self._apply(request, "retry", delivery, data, now=now)
        except InvalidTransition:
            raise ActionRejected(
                "It cannot be sent until the cause is fixed. "
                f"{resolve_effective_state(delivery).sentence}"
            ) from None
        return ActionResult(_describe_retry(resolve_effective_state(changed)), is_audited=True)

    @row_action(
        "Retry although it may have arrived",
        icon="refresh",
        is_available=lambda delivery: (
            CONDITIONS["retry"].is_met(delivery) and delivery.reason == UNKNOWN_EFFECT
        ),
        form=ReasonForm,
        question=(
            "It may have arrived already, and this system cannot recognise a repetition. Check "
            "there first. If it has arrived, cancel it here instead."
        ),
        tone="danger",
    )
    def retry_possibly_delivered(
        self, request: HttpRequest, delivery: Delivery, data: dict[str, Any], *, now: datetime
    ) -> ActionResult:
        result: ActionResult = self.retry(request, delivery, data, now=now)
        return result

    @row_action(
        "Replay",
        icon="forward",
        is_available=CONDITIONS["send_again"].is_met,
        form=ReasonForm,
        question=(
            "Creates a new delivery with the current filter, mapping and settings and the same "
            "message ID. A system that supports IDs accepts it once, others may show it twice."
        ),
    )
    def send_again(
        self, request: HttpRequest, delivery: Delivery, data: dict[str, Any], *, now: datetime
    ) -> ActionResult:
        try:
            new_delivery = self._apply(request, "send_again", delivery, data, now=now)
        except InvalidTransition:
            raise ActionRejected(
                "It cannot be replayed: its event is no longer stored, or another person "
                "has just replayed it."
            ) from None
        page = HttpResponseRedirect(self.change_url(new_delivery))
        return ActionResult("The new delivery has been created.", page=page, is_audited=True)

    @row_action(
        "Cancel",
        icon="close",
        is_available=CONDITIONS["cancel"].is_met,
        form=ReasonForm,
        question="The delivery is not sent. It can be retried later.",
        tone="danger",
    )
    def cancel(
        self, request: HttpRequest, delivery: Delivery, data: dict[str, Any], *, now: datetime
    ) -> ActionResult:
        self._apply(request, "cancel", delivery, data, now=now)
        return ActionResult("The delivery has been cancelled.", is_audited=True)

    @row_action(
        "Skip",
        icon="redo",
        is_available=CONDITIONS["skip"].is_met,
        form=ReasonForm,
        question=(
            "The delivery is not sent, and an ordered route continues with the next one. It "
            "can be replayed."
        ),
    )
    def skip(
        self, request: HttpRequest, delivery: Delivery, data: dict[str, Any], *, now: datetime
    ) -> ActionResult:
        self._apply(request, "skip", delivery, data, now=now)
        return ActionResult("The delivery has been skipped.", is_audited=True)

    def _apply(
        self,
        request: HttpRequest,
        action: str,
        delivery: Delivery,
        data: dict[str, Any],
        *,
        now: datetime,
    ) -> Delivery:
        actor, reason = ActorContext.of_request(request), data.get("reason", "")
        return apply_delivery_action(action, delivery, actor=actor, reason=reason, now=now)


def _describe_retry(state: EffectiveState) -> str:
    held_text = f"It is due now and is sent once the cause is fixed: {state.sentence}"
    return held_text if state.state == "held" else "The delivery is being retried."
