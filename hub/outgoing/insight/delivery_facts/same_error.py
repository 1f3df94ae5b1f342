"""Count other deliveries with the same reason at the same system."""

from typing import NamedTuple

from django.db.models import Count

from hub.outgoing.insight.search.conditions import STOPPED_CONDITION
from hub.outgoing.models import Delivery
from hub.reason_codes import REASONS
from tenants.scoping import TenantIds, readable_condition

ROWS_SCANNED = 2_000  # the newest deliveries of the state
COUNTED_STATES = ("failed", "held")


class SameError(NamedTuple):
    """Other deliveries with the same state, reason and system, and the filter for them all."""

    deliveries: int
    tenants: int
    # of the plan of an operation; empty: its filter knows no reasons of the other system
    query: dict[str, str]

    @property
    def is_limited(self) -> bool:
        return self.deliveries >= ROWS_SCANNED


def count_same_error(
    delivery: Delivery, tenants: TenantIds, *, of_connection: bool = False
) -> SameError | None:
    """Count the other deliveries of these tenants with the same error, in one query.

    Of all connections to the system, or of the delivery's own connection only. None if the delivery
    did not stop for a reason, or is the only one.
    """
    if delivery.state not in COUNTED_STATES or not delivery.reason:
        return None
    stopped_deliveries = Delivery.unscoped.filter(
        readable_condition(Delivery, tenants), STOPPED_CONDITION, state=delivery.state
    )
    newest = stopped_deliveries.order_by("-id").values("pk")[:ROWS_SCANNED]
    query = {"state": delivery.state, "reason": delivery.reason}
    same = Delivery.unscoped.filter(pk__in=newest, reason=delivery.reason).exclude(pk=delivery.pk)
    if of_connection and delivery.connection:
        same = same.filter(connection=delivery.connection)
        query["connection"] = str(delivery.connection.public_id)
    else:
        same = same.filter(route__connector_key=delivery.route.connector_key)
        query["connector"] = delivery.route.connector_key
    counts = same.aggregate(rows=Count("pk"), tenants=Count("tenant", distinct=True))
    if not counts["rows"]:
        return None
    return SameError(counts["rows"], counts["tenants"], query if delivery.reason in REASONS else {})
