"""How a row of the log is told: the same line on the page and in an export."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from hub.outgoing.explain import shown, words_of
from hub.outgoing.models import Delivery, Event
from hub.portal.log.asked import NO_ROUTE, Asked
from hub.portal.log.pages import LOOKED, PAGE, Cursor, Page, beyond, edge_of, page_of, told
from hub.words import REASONS
from tenants.models import Tenant


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
    tries: int
    accepted_at: datetime
    moved_at: datetime
    next_try: datetime | None = None
    is_event: bool = False  # an event that no route took: it has no delivery

    @property
    def thing(self) -> str:
        """What the sender calls it; nothing where the hub made the id."""
        return "" if self.sender_id == str(self.event) else self.sender_id


def lines_of(tenant: Tenant, asked: Asked, cursor: Cursor, *, size: int = PAGE) -> tuple[list[Line], Page]:
    if asked.of_events:
        page = unrouted(tenant, asked, cursor, size=size)
        return [of_event(event) for event in page.rows], page
    page = page_of(tenant, asked, cursor, size=size)
    return [of_delivery(delivery) for delivery in page.rows], page


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
        target=delivery.connection.name if delivery.connection else _("not connected"),
        tries=delivery.attempts,
        accepted_at=delivery.accepted_at,
        moved_at=delivery.moved_at,
        next_try=delivery.due_at if state.state == "waiting" and delivery.attempts else None,
    )


def sentence_of(delivery: Delivery, reason: str) -> str:
    return words_of(reason, delivery.route.connector).sentence


def of_event(event: Event) -> Line:
    return Line(
        id=event.public_id, event=event.public_id, sender_id=event.sender_id, type=event.type, state="skipped",
        reason=event.reason, sentence=REASONS[NO_ROUTE].sentence, target="", tries=0,
        accepted_at=event.accepted_at, moved_at=event.accepted_at, is_event=True,
    )  # fmt: skip


def unrouted(tenant: Tenant, asked: Asked, cursor: Cursor, *, size: int) -> Page:
    """Events that no route took: no index names them, so they are sought among a bounded number."""
    rows = beyond(Event.objects.of(tenant), cursor).order_by("pk" if cursor.before else "-pk")
    edge = edge_of(rows)
    if edge is not None:
        rows = rows.filter(pk__lte=edge) if cursor.before else rows.filter(pk__gte=edge)
    last = Event.unscoped.filter(pk=edge).values_list("public_id", flat=True).first() if edge else None
    return told(list(narrowed(rows, asked)[: size + 1]), cursor, size, last)


def narrowed(rows: QuerySet[Event], asked: Asked) -> QuerySet[Event]:
    rows = rows.filter(reason=NO_ROUTE)
    if type := asked.said.get("type"):
        rows = rows.filter(type__startswith=type[:-1]) if type.endswith("*") else rows.filter(type=type)
    return rows


__all__ = ["LOOKED", "Line", "lines_of"]
