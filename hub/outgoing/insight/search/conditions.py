"""Search for events and deliveries by an id or a value; every search uses an index."""

import uuid

from django.db.models import Q

from connectors.registry import CONNECTORS
from hub.outgoing.insight.search.event_values import find_events_by_value
from hub.outgoing.models import Delivery, Event
from tenants.models import Tenant
from tenants.scoping import ALL_TENANTS, TenantIds, readable_condition

SOURCES = ("api", "app", "staff", "portal", *CONNECTORS)
RESULT_LIMIT = 100
PREFIX_MIN_LENGTH = 8  # hex digits; an id begins with its time, so these name about a minute

# reasons of skipped deliveries only
SKIP_REASONS = ("filtered", "identity_skipped", "skipped_by_person")
CANCEL_OR_SKIP_REASONS = ("disconnected",)  # reasons of skipped and of held deliveries
# in the order of the index `deliveries_stopped`
INDEXED_STOPPED_STATES = ("held", "failed", "waiting")
# SQLite uses the index for the same text only
STOPPED_CONDITION = Q(state__in=INDEXED_STOPPED_STATES)


def match_states_of_reason(reason: str) -> Q:
    """Return the states that a delivery with this reason can have, for partial indexes."""
    if reason in SKIP_REASONS:
        return Q(state="skipped")
    return (
        STOPPED_CONDITION | Q(state="skipped")
        if reason in CANCEL_OR_SKIP_REASONS
        else STOPPED_CONDITION
    )


def _parse_id_range(term: str) -> tuple[uuid.UUID, uuid.UUID] | None:
    """Return the first and last id that a full or partial id matches; None if the text is no id."""
    digits = term.replace("-", "").lower()
    if not PREFIX_MIN_LENGTH <= len(digits) <= 32 or not set(digits) <= set("0123456789abcdef"):
        return None
    return uuid.UUID(digits.ljust(32, "0")), uuid.UUID(digits.ljust(32, "f"))


def match_events(term: str, tenants: TenantIds) -> Q:
    """Match events by the hub's id or a prefix of it, the sender's id, or a value of the event."""
    bounds = _parse_id_range(term)
    if bounds and (event_ids := find_ids(Event, tenants, Q(public_id__range=bounds))):
        return Q(pk__in=event_ids)
    # for the indexes
    tenant_ids = list(
        Tenant.objects.values_list("pk", flat=True) if tenants is ALL_TENANTS else tenants or ()
    )
    by_sender_id = Q(tenant__in=tenant_ids, source__in=SOURCES, sender_id=term.replace("\0", ""))
    return Q(
        pk__in={
            *find_ids(Event, ALL_TENANTS, by_sender_id),
            *find_events_by_value(term, tenants, tenant_ids),
        }
    )


def match_deliveries(term: str, tenants: TenantIds) -> Q:
    """Match deliveries by their id, the msg_ id of the other system, or as their event."""
    delivery_condition = match_deliveries_by_id(term, tenants)
    if term.startswith("msg_") or delivery_condition:
        return delivery_condition or Q(pk__in=())
    return Q(event__in=find_ids(Event, ALL_TENANTS, match_events(term, tenants)))


def match_deliveries_by_id(term: str, tenants: TenantIds) -> Q | None:
    """Match deliveries by their id or its prefix, or by the msg_ id; None if there are none."""
    bounds = _parse_id_range(term.removeprefix("msg_"))
    if not bounds:
        return None
    if term.startswith("msg_"):
        event_ids = find_ids(Delivery, tenants, Q(public_id__range=bounds), "event")
        return Q(event__in=event_ids, message_uuid__range=bounds) if event_ids else None
    delivery_ids = find_ids(Delivery, tenants, Q(public_id__range=bounds))
    return Q(pk__in=delivery_ids) if delivery_ids else None


def find_ids(
    model: type[Event] | type[Delivery], tenants: TenantIds, condition: Q, column: str = "pk"
) -> list[int]:
    readable_rows = model.unscoped.filter(readable_condition(model, tenants), condition)
    return list(readable_rows.order_by().values_list(column, flat=True)[:RESULT_LIMIT])
