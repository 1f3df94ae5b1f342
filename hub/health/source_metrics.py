"""Metrics of what external systems report to us: registrations, sources, gaps, canaries."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from statistics import median
from typing import Any

from django.db.models import Count, Min, QuerySet
from prometheus_client.core import GaugeMetricFamily, Metric

from hub.incoming.gaps import complete_until_expression
from hub.incoming.models import InboundGap, InboundSource, SourceCanary, WebhookSubscription

CANARIES_READ = 1_000  # of all connectors, those that were heard last


def collect_source_metrics(*, now: datetime) -> Iterator[Metric]:
    """Yield the metrics, each in one grouped query of a narrow table."""
    subscriptions = WebhookSubscription.unscoped.filter(is_wanted=True).order_by()
    yield _build_gauge(
        "hub_webhook_subscriptions",
        "Wanted registrations of webhooks at other systems, by connector and state.",
        ("connector", "state"),
        subscriptions.values_list("endpoint__connector_key", "state").annotate(Count("pk")),
    )
    sources: QuerySet[Any] = InboundSource.unscoped.filter(retired_at=None).order_by()
    yield _build_gauge(
        "hub_sources",
        "Kinds of record whose changes are received, by connector and state.",
        ("connector", "state"),
        sources.values_list("connection__connector_key", "state").annotate(Count("pk")),
    )
    proofs = sources.annotate(complete_at=complete_until_expression())
    by_connector = proofs.values_list("connection__connector_key")
    yield _build_gauge(
        "hub_source_complete_age_seconds",
        "Seconds since the time until which the least complete source of a connector is complete.",
        ("connector",),
        (
            (connector_key, (now - oldest).total_seconds())
            for connector_key, oldest in by_connector.annotate(Min("complete_at"))
            if oldest is not None
        ),
    )
    yield _build_gauge(
        "hub_sources_not_known",
        "Sources without any proof that their webhooks arrive.",
        ("connector",),
        by_connector.filter(complete_at=None).annotate(Count("pk")),
    )
    gaps = InboundGap.unscoped.filter(state__in=InboundGap.UNFINISHED_STATES).order_by()
    yield _build_gauge(
        "hub_gaps",
        "Times in which changes may have been missed, and that are not read yet, by state.",
        ("state",),
        gaps.values_list("state").annotate(Count("pk")),
    )
    yield _build_gauge(
        "hub_canary_round_trip_seconds",
        "Median of the newest round trips of changes that the hub caused itself.",
        ("connector",),
        _measure_round_trips(),
    )


def _measure_round_trips() -> Iterator[tuple[str, float]]:
    canaries = SourceCanary.unscoped.filter(is_on=True, round_trip_ms__isnull=False)
    columns = "source__connection__connector_key", "round_trip_ms"
    by_connector: dict[str, list[int]] = {}
    for connector_key, duration in canaries.order_by("-heard_at").values_list(*columns)[
        :CANARIES_READ
    ]:
        by_connector.setdefault(connector_key, []).append(duration)
    for connector_key, durations in by_connector.items():
        yield connector_key, median(durations) / 1000


def _build_gauge(
    name: str, documentation: str, labels: Sequence[str], rows: Iterable[tuple[object, ...]]
) -> GaugeMetricFamily:
    """Build a gauge of rows: the values of its labels, then its own."""
    family = GaugeMetricFamily(name, documentation, labels=labels)
    for *values, measurement in sorted(rows, key=str):
        family.add_metric([str(value) for value in values], float(str(measurement)))
    return family
