"""Open the gaps of what systems gave up to send, as the hub answered with errors for too long."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from django.db.models import Q

from connectors.registry import CONNECTORS
from connectors.webhook_sources import FailuresInARow, WebhookSource
from hub.incoming.gaps import open_gap
from hub.incoming.models import InboundCount, InboundEndpoint, InboundGap, InboundSource
from hub.incoming.receiving.counts import ACCEPTED, DUPLICATE, UNAVAILABLE

MINUTE = timedelta(minutes=1)
JUST_NOW = 2 * MINUTE  # in which a row of errors may go on
LOOK_BACK = timedelta(hours=1)  # for the beginning of a row
OVERLAP = timedelta(minutes=2)
NOTICED_WITHIN = timedelta(minutes=15)  # of the last error: a sweep may be late, or have many
ENDPOINTS_AT_ONCE = 200  # of one query
GAPS_AT_ONCE = 100  # of one sweep
END_OF_TIME = datetime.max.replace(tzinfo=UTC)
Counts = Sequence[tuple[datetime, str, int]]  # minute, cause, count; the oldest first
Period = tuple[datetime, datetime]  # from when to when


def open_refused_gaps(*, now: datetime) -> None:
    """Open the gaps of endpoints that answered with errors until two minutes ago.

    A step of the sweep. A short row of errors is no gap: its system sends again. The URL that all
    accounts of an app share is left out.
    """
    recent = InboundCount.unscoped.filter(cause=UNAVAILABLE, minute__gte=now - NOTICED_WITHIN)
    last_errors = dict(recent.order_by("minute").values_list("endpoint", "minute"))
    ended = sorted(pk for pk, minute in last_errors.items() if minute < now - JUST_NOW)
    left = GAPS_AT_ONCE
    for start in range(0, len(ended), ENDPOINTS_AT_ONCE):
        ids = ended[start : start + ENDPOINTS_AT_ONCE]
        lost = _find_lost_periods({pk: last_errors[pk] for pk in ids})
        for source, from_at, to_at in _list_uncovered(lost)[:left]:
            open_gap(source, InboundGap.Cause.REFUSED, from_at=from_at, to_at=to_at, now=now)
            left -= 1
        if not left:
            return  # the next sweep goes on


def _find_lost_periods(last_errors: Mapping[int, datetime]) -> Mapping[int, Period]:
    """Return the period of each connection whose system gave up to send, by endpoints."""
    endpoints = InboundEndpoint.unscoped.filter(
        pk__in=last_errors, connection__isnull=False, connector_key__in=list(CONNECTORS)
    )
    since = min(last_errors.values()) - LOOK_BACK
    counts: dict[int, list[tuple[datetime, str, int]]] = defaultdict(list)
    rows = InboundCount.unscoped.filter(endpoint__in=endpoints, minute__gt=since)
    columns = ("endpoint", "minute", "cause", "count")
    for pk, minute, cause, count in rows.order_by("minute").values_list(*columns):
        if last_errors[pk] - LOOK_BACK < minute <= last_errors[pk]:
            counts[pk].append((minute, cause, count))
    periods = {}
    for endpoint in endpoints:
        source, last = endpoint.connector.webhook_source, last_errors[endpoint.pk]
        period = find_lost_period(counts[endpoint.pk], source, last=last) if source else None
        if period is not None and endpoint.connection_id is not None:
            periods[endpoint.connection_id] = period
    return periods


def _list_uncovered(
    periods: Mapping[int, Period],
) -> list[tuple[InboundSource, datetime, datetime]]:
    """Return the sources of connections with their period, unless a gap contains it already."""
    if not periods:
        return []
    sources = InboundSource.unscoped.filter(connection__in=periods, retired_at=None)
    lasts = Q(to_at=None, state__in=InboundGap.UNFINISHED_STATES)
    gaps = InboundGap.unscoped.filter(
        lasts | Q(to_at__gte=min(to_at for _, to_at in periods.values())), source__in=sources
    )
    known: dict[int, list[Period]] = defaultdict(list)
    for source_id, from_at, to_at in gaps.values_list("source", "from_at", "to_at"):
        known[source_id].append((from_at, to_at or END_OF_TIME))
    return [
        (source, from_at, to_at)
        for source in sources.order_by("connection", "object")
        for from_at, to_at in (periods[source.connection_id],)
        if not any(begin <= from_at and to_at <= end for begin, end in known[source.pk])
    ]


def find_lost_period(counts: Counts, source: WebhookSource, *, last: datetime) -> Period | None:
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
