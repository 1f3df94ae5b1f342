"""Warn before a system acts on our failed answers, by the rules that its connector states."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Aggregate, Min, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from connectors.registry import CONNECTORS
from connectors.webhook_sources import RecentAnswers, SenderRule
from hub.incoming.models import InboundCount, InboundEndpoint
from hub.incoming.receiving.counts import (
    ACCEPTED,
    DISCONNECTED,
    DUPLICATE,
    LATE,
    NOT_FAILED,
    SUSPENDED,
)
from hub.notices.models import Notice
from hub.notices.notify import create_notice, resolve_notices

NOTICE_KIND = "webhooks_threatened"
JUST_NOW = timedelta(minutes=2)  # in which an endpoint failed that is looked at
LOOK_BACK = timedelta(days=5)  # the longest period of a rule
HOUR = timedelta(hours=1)
MAX_ENDPOINTS = 500  # that one sweep looks at
# causes without an answer of their own: we want none, or an accepted one was late
NOT_AN_ANSWER = (DISCONNECTED, SUSPENDED, LATE)

Threat = tuple[int, str]  # an endpoint's id, and what its system is about to do


def warn_of_threats(*, now: datetime) -> None:
    """Create a notice for each rule that is nearly met, once; resolve those that no longer are.

    A step of the sweep: it looks at the endpoints that failed just now, and at those with a notice.
    """
    noticed = list_noticed_threats()
    failed = InboundCount.unscoped.filter(minute__gte=now - JUST_NOW).exclude(cause__in=NOT_FAILED)
    failing = failed.order_by("endpoint").values_list("endpoint", flat=True).distinct()
    ids = {*failing[:MAX_ENDPOINTS], *(endpoint_id for endpoint_id, _ in noticed)}
    if not ids:
        return
    threats: set[Threat] = set()
    for endpoint, answers in load_recent_answers(ids, now=now):
        for effect, figures in find_threats(_list_rules(endpoint), answers, now=now).items():
            threats.add((endpoint.pk, effect))
            if (endpoint.pk, effect) not in noticed:
                _notify_threat(endpoint, effect, figures, now=now)
    for threat in noticed.keys() - threats:
        notice = noticed[threat]
        occurrence = notice.key.partition(":")[2]
        resolve_notices(
            NOTICE_KIND, connection_id=notice.connection_id, occurrence=occurrence, now=now
        )


def find_threats(
    rules: Sequence[SenderRule], answers: RecentAnswers, *, now: datetime
) -> dict[str, Mapping[str, str | int]]:
    """Return the figures of each rule that is nearly met, by what the system does then."""
    figures = {rule.effect: rule.find_warning(answers, now=now) for rule in rules}
    return {effect: found for effect, found in figures.items() if found is not None}


def list_noticed_threats() -> dict[Threat, Notice]:
    """Return the notices that are not resolved, by endpoint and effect."""
    notices = Notice.unscoped.filter(kind=NOTICE_KIND, resolved_at=None)
    keys = ((notice, notice.key.split(":")) for notice in notices)
    return {(int(endpoint_id), effect): notice for notice, (_, endpoint_id, effect, *_) in keys}


def load_recent_answers(
    endpoint_ids: set[int], *, now: datetime
) -> list[tuple[InboundEndpoint, RecentAnswers]]:
    """Return the endpoints with what they answered lately, in one statement."""
    counts = InboundCount.unscoped.filter(endpoint=OuterRef("pk")).order_by()
    accepted = counts.filter(cause__in=(ACCEPTED, DUPLICATE), minute__gte=now - LOOK_BACK)
    failed = counts.exclude(cause__in=NOT_FAILED)
    failed_since = failed.filter(minute__gte=Coalesce(OuterRef("accepted_at"), now - LOOK_BACK))
    in_hour = counts.filter(minute__gt=now - HOUR)
    endpoints = (
        InboundEndpoint.unscoped.filter(pk__in=endpoint_ids)
        .select_related("connection")
        .annotate(accepted_at=Subquery(accepted.order_by("-minute").values("minute")[:1]))
        .annotate(
            failed_since=_aggregate(failed_since, Min("minute")),
            failed_in_a_row=_aggregate(failed_since, Sum("count")),
            failed_in_hour=_aggregate(in_hour.exclude(cause__in=NOT_FAILED), Sum("count")),
            answered_in_hour=_aggregate(in_hour.exclude(cause__in=NOT_AN_ANSWER), Sum("count")),
        )
    )
    return [(endpoint, _read_answers(endpoint)) for endpoint in endpoints]


def _aggregate(counts: QuerySet[InboundCount], aggregate: Aggregate) -> Subquery:
    return Subquery(counts.values("endpoint").annotate(total=aggregate).values("total"))


def _read_answers(endpoint: Any) -> RecentAnswers:
    """Return the annotations of an endpoint; without rows they are null."""
    return RecentAnswers(
        endpoint.failed_since,
        endpoint.failed_in_a_row or 0,
        endpoint.failed_in_hour or 0,
        endpoint.answered_in_hour or 0,
    )


def _list_rules(endpoint: InboundEndpoint) -> Sequence[SenderRule]:
    connector = CONNECTORS.get(endpoint.connector_key)
    source = connector.webhook_source if connector else None
    return source.sender_rules if source else ()


def _notify_threat(
    endpoint: InboundEndpoint, effect: str, figures: Mapping[str, str | int], *, now: datetime
) -> None:
    """Create the notice, at most once an hour; that of an app's URL is for staff alone."""
    connection, system = endpoint.connection, CONNECTORS[endpoint.connector_key].label
    create_notice(
        NOTICE_KIND,
        f"{NOTICE_KIND}_{effect}",
        {"connection": connection.name if connection else system, "system": system, **figures},
        occurrence=f"{endpoint.pk}:{effect}:{now:%Y-%m-%dT%H}",
        tenant_id=endpoint.tenant_id,
        connection_id=connection.pk if connection else None,
        now=now,
    )
