"""Count requests by endpoint, minute and result."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connection as database
from django.db.models import Sum

from hub.db import bulk
from hub.incoming.models import InboundCount

ACCEPTED, DUPLICATE = "accepted", "duplicate"
DISCONNECTED = "disconnected"  # answered with 410; counted, and no row
SUSPENDED = "suspended"  # answered with 403; counted, and no row
# noted by the door, and no row: an error or a redirect instead of the view's answer, a body beyond
# the limit of all requests, an acknowledgement that came too late
UNAVAILABLE, TOO_LARGE, LATE = "unavailable", "too_large", "late"
NOT_REJECTED = (ACCEPTED, DUPLICATE, DISCONNECTED, SUSPENDED, UNAVAILABLE, TOO_LARGE, LATE)
# as the system sees it: its request was taken, or we no longer want it
NOT_FAILED = (ACCEPTED, DUPLICATE, DISCONNECTED, SUSPENDED)

ADD_COUNT = """
ON CONFLICT (endpoint_id, minute, cause)
DO UPDATE SET count = incoming_inboundcount.count + excluded.count
"""
INSERT_COUNT = "INSERT INTO incoming_inboundcount (endpoint_id, minute, cause, count)"

EndpointMinute = tuple[int, datetime]


def add_counts(counts: Mapping[tuple[EndpointMinute, str], int]) -> None:
    """Add numbers of requests by endpoint, minute and result."""
    adapt = database.ops.adapt_datetimefield_value
    rows = [
        (endpoint_id, adapt(minute), result, count)
        for ((endpoint_id, minute), result), count in sorted(counts.items())
    ]
    bulk.execute_many(f"{INSERT_COUNT} VALUES (%s, %s, %s, %s) {ADD_COUNT}", rows)


def truncate_to_minute(moment: datetime) -> datetime:
    return moment - timedelta(seconds=moment.second, microseconds=moment.microsecond)


def count_by_cause(*, since: datetime) -> Counter[tuple[str, str]]:
    """Return how many requests there were since a minute, by connector and result."""
    counts: Counter[tuple[str, str]] = Counter()
    groups = InboundCount.unscoped.filter(minute__gte=since).order_by()
    totals = groups.values_list("endpoint__connector_key", "cause").annotate(Sum("count"))
    for connector_key, cause, count in totals:
        counts[connector_key, cause] += count
    return counts
