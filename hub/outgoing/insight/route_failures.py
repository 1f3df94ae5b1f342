"""Count which of a route's newest deliveries failed.

This does not tell whether its connections work.
"""

from typing import NamedTuple

from django.utils.translation import gettext as _

from hub.outgoing.insight.explain import describe_delivery_reason
from hub.outgoing.models import Delivery, Route

ROUTE_DELIVERIES_SCANNED = 200  # of the newest deliveries by the route


class RouteFailures(NamedTuple):
    scanned_count: int
    failed_count: int
    last_failed: Delivery | None

    @property
    def sentence(self) -> str:
        names = {"refused": self.failed_count, "looked": self.scanned_count}
        return _("%(refused)s of the last %(looked)s deliveries of this route failed.") % names

    @property
    def last_reason_text(self) -> str:
        """The reason of the last failure, with the response of the other system."""
        if self.last_failed is None:
            return ""
        words = describe_delivery_reason(
            self.last_failed.reason, self.last_failed.route.connector_key
        )
        return " ".join(filter(None, [words.sentence, self.last_failed.detail]))


def count_route_failures(route: Route) -> RouteFailures:
    """Count failures among the route's newest deliveries, and load the last; one or two queries."""
    newest = Delivery.unscoped.filter(route=route).order_by("-pk")
    newest_rows = list(
        newest.values_list("pk", "state", "state_changed_at")[:ROUTE_DELIVERIES_SCANNED]
    )
    failed = [
        (state_changed_at, pk) for pk, state, state_changed_at in newest_rows if state == "failed"
    ]
    last = newest.select_related("route", "event").get(pk=max(failed)[1]) if failed else None
    return RouteFailures(len(newest_rows), len(failed), last)
