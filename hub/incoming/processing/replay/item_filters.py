"""Filters of operations on inbound items: the allowed filters, each with its condition."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from hub.incoming.models import InboundBody, InboundItem
from hub.incoming.processing.attribution import FORMER_ACCOUNT
from tenants.models import Tenant

# By name; times are ISO texts, rows are named by their public ids.
ITEM_FILTERS: Mapping[str, Callable[[Any], Q]] = {
    "state": lambda state: Q(state=state),
    "reason": lambda reason: Q(reason=reason),
    "connector": lambda key: Q(connector_key=key),
    "connection": lambda id: Q(connection__public_id=id),
    "message": lambda id: Q(message__public_id=id),
    "type": lambda type: Q(type=type),
    "since": lambda moment: Q(received_at__gte=moment),
    "until": lambda moment: Q(received_at__lt=moment),
    "items": lambda ids: Q(public_id__in=ids),
}

TOO_OLD, BOUNCING = "too_old", "bouncing"
# the reasons of items that only a person releases
REASONS_FOR_A_PERSON = (TOO_OLD, BOUNCING, FORMER_ACCOUNT)
REPLAYABLE = Q(state__in=("processed", "echo", "quarantined", "skipped")) | Q(
    state="held", reason__in=REASONS_FOR_A_PERSON
)


def select_items(filter: Mapping[str, Any], tenant: Tenant | None) -> QuerySet[InboundItem]:
    """Select the items of this tenant, or of all tenants, that match the filter.

    Raises LookupError when the filter has a name that is not in ITEM_FILTERS.
    """
    items: QuerySet[InboundItem] = (
        InboundItem.objects.of(tenant) if tenant else InboundItem.unscoped.all()
    )
    for name, value in filter.items():
        items = items.filter(ITEM_FILTERS[name](value))
    return items


def is_replayable(item: InboundItem) -> bool:
    """Return whether the state of an item allows a replay, as `match_replayable` does in SQL.

    Whether its request is still stored is checked by the replay.
    """
    is_held_for_person = item.state == "held" and item.reason in REASONS_FOR_A_PERSON
    return item.state in ("processed", "echo", "quarantined", "skipped") or is_held_for_person


def match_replayable() -> Q:
    """Match the items that can be replayed: their message's body is still stored."""
    return REPLAYABLE & Q(Exists(InboundBody.objects.filter(pk=OuterRef("message_id"))))
