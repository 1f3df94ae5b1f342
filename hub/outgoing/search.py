"""An id leads to its row, by its look: each way stands on an index."""

import uuid
from datetime import datetime

from django.db.models import Q

from connectors.registry import CONNECTORS
from hub.outgoing.models import Delivery, Event
from tenants.models import Tenant
from tenants.scoping import EVERYWHERE, Tenants, readable

SOURCES = ("api", "app", "staff", "portal", *CONNECTORS)
FOUND_MOST = 100
PREFIX_LEAST = 8  # hex digits of a public id; it begins with its time, so they name about a minute

SKIPPED_FOR = ("filtered", "skipped_by_person")  # reasons of skipped deliveries only
ALSO_SKIPPED_FOR = ("disconnected",)  # and of those that are held, where the customer keeps what arrives
STATES_STOPPED = ("held", "failed", "waiting")
STOPPED = Q(state__in=STATES_STOPPED)  # as the index `deliveries_stopped` has it, which SQLite wants in the same order


def states_for(reason: str) -> Q:
    """The states that a delivery with this reason may have, as the indexes have them."""
    if reason in SKIPPED_FOR:
        return Q(state="skipped")
    return STOPPED | Q(state="skipped") if reason in ALSO_SKIPPED_FOR else STOPPED


def floor_of(moment: datetime) -> uuid.UUID:
    """The smallest UUIDv7 of a moment: public ids are in order of time, and indexed, so they tell *since*.

    No id is older than 1970, so a moment before it has the smallest id of all.
    """
    return uuid.UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def uuids_of(term: str) -> tuple[uuid.UUID, uuid.UUID] | None:
    """The first and the last id that a term may mean: itself, or a beginning of it. None: it is no id."""
    digits = term.replace("-", "").lower()
    if not PREFIX_LEAST <= len(digits) <= 32 or not set(digits) <= set("0123456789abcdef"):
        return None
    return uuid.UUID(digits.ljust(32, "0")), uuid.UUID(digits.ljust(32, "f"))


def events_by(term: str, tenants: Tenants) -> Q:
    """By the hub's id or its beginning, or by the sender's, exact."""
    bounds = uuids_of(term)
    if bounds and (known := found(Event, tenants, Q(public_id__range=bounds))):
        return Q(pk__in=known)
    named = Tenant.objects.values_list("pk", flat=True) if tenants is EVERYWHERE else tenants  # for the index
    sent = Q(tenant__in=list(named or ()), source__in=SOURCES, sender_id=term.replace("\0", ""))
    return Q(pk__in=found(Event, EVERYWHERE, sent))


def deliveries_by(term: str, tenants: Tenants) -> Q:
    """By its own id, the msg_ id that the other system saw (its replays too), or an id of its event."""
    bounds = uuids_of(term.removeprefix("msg_"))
    if term.startswith("msg_"):
        first = found(Delivery, tenants, Q(public_id__range=bounds), "event") if bounds else []
        return Q(event__in=first, message_uuid__range=bounds) if first else Q(pk__in=())
    if bounds and (known := found(Delivery, tenants, Q(public_id__range=bounds))):
        return Q(pk__in=known)
    return Q(event__in=found(Event, EVERYWHERE, events_by(term, tenants)))


def found(model: type[Event] | type[Delivery], tenants: Tenants, wanted: Q, column: str = "pk") -> list[int]:
    rows = model.unscoped.filter(readable(model, tenants), wanted)
    return list(rows.order_by().values_list(column, flat=True)[:FOUND_MOST])
