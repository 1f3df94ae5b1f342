"""How a row of the log is told: the same line on the page and in an export."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from hub.outgoing.explain import shown, words_of
from hub.outgoing.models import Delivery, Event
from hub.words import REASONS


@dataclass(frozen=True, slots=True)
class Line:
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
    next_try: datetime | None = None
    is_event: bool = False  # an event that no route took: it has no delivery

    @property
    def thing(self) -> str:
        """What the sender calls it; nothing where the hub made the id."""
        return "" if self.sender_id == str(self.event) else self.sender_id


def line_of(row: Delivery | Event) -> Line:
    return of_delivery(row) if isinstance(row, Delivery) else of_event(row)


def of_delivery(delivery: Delivery) -> Line:
    state = shown(delivery)
    return Line(
        id=delivery.public_id,
        event=delivery.event.public_id,
        sender_id=delivery.event.sender_id,
        type=delivery.event.type,
        state=state.state,
        reason=state.reason,
        sentence=sentence_of(delivery, state.reason) if state.reason else "",
        target=str(delivery.connection) if delivery.connection else _("not connected"),
        attempt_count=delivery.attempt_count,
        accepted_at=delivery.accepted_at,
        state_changed_at=delivery.state_changed_at,
        next_try=delivery.due_at if state.state == "waiting" and delivery.attempt_count else None,
    )


def sentence_of(delivery: Delivery, reason: str) -> str:
    return words_of(reason, delivery.route.connector_key).sentence


def of_event(event: Event) -> Line:
    return Line(
        id=event.public_id, event=event.public_id, sender_id=event.sender_id, type=event.type, state="skipped",
        reason=event.reason, sentence=REASONS[event.reason].sentence, target="", attempt_count=0,
        accepted_at=event.accepted_at, state_changed_at=event.accepted_at, is_event=True,
    )  # fmt: skip
