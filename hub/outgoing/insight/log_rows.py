"""The text of a row of the log, on pages of customers and staff, and in exports."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from hub.outgoing.insight.explain import describe_delivery_reason, resolve_effective_state
from hub.outgoing.models import Delivery, Event
from hub.reason_codes import REASONS


@dataclass(frozen=True, slots=True)
class LogRow:
    subject: Delivery | Event
    id: UUID
    event: UUID
    sender_id: str
    type: str
    state: str
    reason: str
    sentence: str
    target: str
    attempt_count: int
    accepted_at: datetime
    state_changed_at: datetime
    state_sentence: str = ""  # what the state means
    route: str = ""
    next_try: datetime | None = None
    is_event: bool = False  # an event without a route, which has no delivery

    @property
    def sender_label(self) -> str:
        """Return the sender's id; empty if the hub generated it."""
        return "" if self.sender_id == str(self.event) else self.sender_id


def build_log_row(delivery_or_event: Delivery | Event) -> LogRow:
    return (
        describe_delivery(delivery_or_event)
        if isinstance(delivery_or_event, Delivery)
        else describe_event(delivery_or_event)
    )


def describe_delivery(delivery: Delivery) -> LogRow:
    effective_state = resolve_effective_state(delivery)
    return LogRow(
        subject=delivery,
        id=delivery.public_id,
        event=delivery.event.public_id,
        sender_id=delivery.event.sender_id,
        type=delivery.event.type,
        state=effective_state.state,
        reason=effective_state.reason,
        sentence=explain_reason(delivery, effective_state.reason) if effective_state.reason else "",
        target=str(delivery.connection) if delivery.connection else _("not connected"),
        attempt_count=delivery.attempt_count,
        accepted_at=delivery.accepted_at,
        state_changed_at=delivery.state_changed_at,
        state_sentence=effective_state.sentence,
        route=delivery.route.name,
        next_try=delivery.due_at
        if effective_state.state == "waiting" and delivery.attempt_count
        else None,
    )


def explain_reason(delivery: Delivery, reason: str) -> str:
    return describe_delivery_reason(reason, delivery.route.connector_key).sentence


def describe_event(event: Event) -> LogRow:
    return LogRow(
        subject=event,
        id=event.public_id,
        event=event.public_id,
        sender_id=event.sender_id,
        type=event.type,
        state="skipped",
        reason=event.reason,
        sentence=REASONS[event.reason].sentence,
        target="",
        attempt_count=0,
        accepted_at=event.accepted_at,
        state_changed_at=event.accepted_at,
        is_event=True,
    )
