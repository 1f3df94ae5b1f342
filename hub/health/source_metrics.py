"""Metrics of what external systems report to us: the registrations of webhooks, by state."""

from collections.abc import Iterator

from django.db.models import Count
from prometheus_client.core import GaugeMetricFamily, Metric

from hub.incoming.models import WebhookSubscription


def collect_source_metrics() -> Iterator[Metric]:
    """Yield the metrics, each in one grouped query of a narrow table."""
    family = GaugeMetricFamily(
        "hub_webhook_subscriptions",
        "Wanted registrations of webhooks at other systems, by connector and state.",
        labels=["connector", "state"],
    )
    rows = WebhookSubscription.unscoped.filter(is_wanted=True).order_by()
    counts = rows.values_list("endpoint__connector_key", "state").annotate(Count("pk"))
    for connector_key, state, count in sorted(counts):
        family.add_metric([connector_key, state], count)
    yield family
