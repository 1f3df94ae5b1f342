"""How many other deliveries stopped for the same reason at the same system."""

from typing import NamedTuple

from django.db.models import Count

from hub.outgoing.insight.search import STOPPED_CONDITION
from hub.outgoing.models import Delivery
from tenants.scoping import TenantIds, readable_condition

ROWS_SCANNED = 2_000  # the newest deliveries of the state
COUNTED_STATES = ("failed", "held")


class SameError(NamedTuple):
    """Other deliveries with the same state, reason and system, and the filter that selects all."""

    deliveries: int
    tenants: int
    query: dict[str, str]  # of the plan of an operation, without the tenant

    @property
    def is_limited(self) -> bool:
        return self.deliveries >= ROWS_SCANNED


def count_same_error(delivery: Delivery, tenants: TenantIds) -> SameError | None:
    """Count the other deliveries of these tenants with the same error, in one statement.

    None if the delivery did not stop for a reason, or if it is the only one.
    """
    if delivery.state not in COUNTED_STATES or not delivery.reason:
        return None
    stopped = Delivery.unscoped.filter(
        readable_condition(Delivery, tenants), STOPPED_CONDITION, state=delivery.state
    )
    newest = stopped.order_by("-id").values("pk")[:ROWS_SCANNED]
    connector_key = delivery.route.connector_key
    same = Delivery.unscoped.filter(
        pk__in=newest, reason=delivery.reason, route__connector_key=connector_key
    ).exclude(pk=delivery.pk)
    counts = same.aggregate(rows=Count("pk"), tenants=Count("tenant", distinct=True))
    if not counts["rows"]:
        return None
    query = {"state": delivery.state, "reason": delivery.reason, "connector": connector_key}
    return SameError(counts["rows"], counts["tenants"], query)
