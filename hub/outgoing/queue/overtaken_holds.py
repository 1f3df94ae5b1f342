"""Find deliveries that a pump held for a cause that a person had just removed.

The person confirmed the identity, or set a fallback for its kind, after the pump had read the
identities and before it stored the hold. The change is then older than the hold, so the release,
which looks for newer changes, does not find it.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import QuerySet

from hub.mappings.models import Identity, IdentityFallback
from hub.mappings.translate import IdentityMissing
from hub.outgoing.models import Delivery

PUMP_HOLDS_WITHIN = timedelta(minutes=2)  # at most, between reading identities and holding
HOLDS_MAX = 1_000
NAME_LENGTH_MAX = 100  # characters of a kind or an id that the text of a hold has; longer are cut


def find_overtaken_holds(*, now: datetime) -> QuerySet[Delivery]:
    """Select deliveries just held for an identity that exists or has a fallback; three queries."""
    held_deliveries = Delivery.unscoped.filter(state="held", reason="identity_missing")
    recent = held_deliveries.filter(
        state_changed_at__gte=now - PUMP_HOLDS_WITHIN, connection__isnull=False
    )
    missing_pairs = {
        pk: (connection, *pair)
        for pk, connection, detail in recent.order_by("-pk").values_list(
            "pk", "connection_id", "detail"
        )[:HOLDS_MAX]
        if (pair := IdentityMissing.parse(detail)) and max(map(len, pair)) < NAME_LENGTH_MAX
    }
    if not missing_pairs:
        return Delivery.unscoped.none()
    confirmed = Identity.confirmed().filter(
        connection__in={connection for connection, _, _ in missing_pairs.values()},
        kind__in={kind for _, kind, _ in missing_pairs.values()},
        local_id__in={local_id for _, _, local_id in missing_pairs.values()},
    )
    confirmed_pairs = set(confirmed.values_list("connection", "kind", "local_id"))
    decided_kinds = _find_decided_kinds({connection for connection, _, _ in missing_pairs.values()})
    return held_deliveries.filter(
        pk__in=[
            pk
            for pk, pair in missing_pairs.items()
            if pair in confirmed_pairs or pair[:2] in decided_kinds
        ]
    )


def _find_decided_kinds(connections: Collection[int | None]) -> set[tuple[int, str]]:
    """Return the connections and kinds whose fallback is to use a default record, or to skip."""
    fallbacks = IdentityFallback.unscoped.filter(
        connection__in=connections, direction=IdentityFallback.Direction.OUT
    ).exclude(choice=IdentityFallback.Choice.HOLD)
    return set(fallbacks.values_list("connection", "kind"))
