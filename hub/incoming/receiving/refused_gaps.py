"""Open the gaps of what systems gave up to send, as the hub answered with errors for too long."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from connectors.webhook_sources import FailuresInARow, WebhookSource
from hub.incoming.gaps import find_sources, open_gap
from hub.incoming.models import InboundCount, InboundEndpoint, InboundGap, InboundSource
from hub.incoming.receiving.counts import ACCEPTED, DUPLICATE, UNAVAILABLE

MINUTE = timedelta(minutes=1)
JUST_NOW = 2 * MINUTE  # in which a row of errors may go on
LOOK_BACK = timedelta(hours=1)  # for the beginning of a row
OVERLAP = timedelta(minutes=2)
ENDPOINTS_AT_ONCE = 100  # of one sweep
Counts = Sequence[tuple[datetime, str, int]]  # minute, cause, count; the oldest first


def open_refused_gaps(*, now: datetime) -> None:
    """Open the gaps of endpoints that answered with errors until two minutes ago.

    A step of the sweep. A short row of errors is no gap: its system sends again. The URL that all
    accounts of an app share is left out.
    """
    recent = InboundCount.unscoped.filter(cause=UNAVAILABLE, minute__gte=now - 2 * JUST_NOW)
    minutes: dict[int, datetime] = {}
    for endpoint_id, minute in recent.order_by("minute").values_list("endpoint", "minute"):
        minutes[endpoint_id] = minute
    ended = sorted(pk for pk, minute in minutes.items() if minute < now - JUST_NOW)
    endpoints = InboundEndpoint.unscoped.filter(
        pk__in=ended[:ENDPOINTS_AT_ONCE], connection__isnull=False
    )
    for endpoint in endpoints.select_related("connection"):
        _open_gaps(endpoint, last=minutes[endpoint.pk], now=now)


def _open_gaps(endpoint: InboundEndpoint, *, last: datetime, now: datetime) -> None:
    source = endpoint.connector.webhook_source
    if source is None or endpoint.connection_id is None:
        return
    counts = InboundCount.unscoped.filter(endpoint=endpoint, minute__gt=last - LOOK_BACK)
    rows = counts.order_by("minute").values_list("minute", "cause", "count")
    period = find_lost_period(list(rows.filter(minute__lte=last)), source, last=last)
    if period is None:
        return
    from_at, to_at = period
    for row in find_sources(endpoint.connection_id):
        if not _is_covered(row, from_at, to_at):
            open_gap(row, InboundGap.Cause.REFUSED, from_at=from_at, to_at=to_at, now=now)


def find_lost_period(
    counts: Counts, source: WebhookSource, *, last: datetime
) -> tuple[datetime, datetime] | None:
    """Return from when to when the system gave up what it sent, and was silent; None: never.

    `last`: the last minute with errors. A row of them begins after the last minute before it in
    which a request was accepted, or in that minute.
    """
    accepted = [
        minute for minute, cause, _ in counts if cause in (ACCEPTED, DUPLICATE) and minute < last
    ]
    begin = max(accepted, default=last - LOOK_BACK)
    errors = [
        (minute, count)
        for minute, cause, count in counts
        if cause == UNAVAILABLE and minute >= begin
    ]
    since, failures = min(minute for minute, _ in errors), sum(count for _, count in errors)
    stops = [
        rule.stops_for
        for rule in source.sender_rules
        if isinstance(rule, FailuresInARow) and failures >= rule.limit
    ]
    stopped_for = max(stops, default=timedelta(0))
    is_given_up = (last + MINUTE - since).total_seconds() > source.retry_period_seconds
    if not is_given_up and not stopped_for:
        return None
    return since - OVERLAP, last + MINUTE + stopped_for


def _is_covered(source: InboundSource, from_at: datetime, to_at: datetime) -> bool:
    """Return whether a gap that was opened before contains this time."""
    gaps = InboundGap.unscoped.filter(source=source, from_at__lte=from_at)
    return gaps.filter(to_at__gte=to_at).exists() or gaps.filter(state="open").exists()
