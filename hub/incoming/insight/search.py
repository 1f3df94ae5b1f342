"""Search for items by an id; every search uses an index."""

from uuid import UUID

from django.db.models import Q

from connectors.registry import CONNECTORS
from hub.connections.models import Connection
from hub.incoming.models import InboundItem
from tenants.scoping import TenantIds, readable_condition

RESULT_LIMIT = 100


def match_items(term: str, tenants: TenantIds) -> Q:
    """Match items by their own id, that of their request or their event, or the system's id.

    The system's id is that of the notification, or of the account.
    """
    text = term.replace("\0", "")
    ids: set[int] = set()
    for condition in _list_conditions(text, tenants):
        rows = InboundItem.unscoped.filter(readable_condition(InboundItem, tenants), condition)
        ids |= set(rows.order_by().values_list("pk", flat=True)[:RESULT_LIMIT])
    return Q(pk__in=ids)


def _list_conditions(text: str, tenants: TenantIds) -> list[Q]:
    """List the conditions of the search, each of which uses its own index."""
    connections = Connection.unscoped.filter(readable_condition(Connection, tenants))
    conditions = [
        Q(connection__in=connections.values("pk"), item_key=text),
        Q(connector_key__in=tuple(CONNECTORS), account=text),
    ]
    try:
        id = UUID(text)
    except ValueError:
        return conditions
    by_id = [Q(public_id=id), Q(message__public_id=id), Q(event__public_id=id)]
    return [*by_id, *conditions]
