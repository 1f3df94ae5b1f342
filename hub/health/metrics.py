"""/metrics for Prometheus; it requires a platform key with the scope metrics:read, as the numbers
reveal customers' activity.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db.models import Count, Max, Min, QuerySet
from django.db.models.functions import Greatest
from drf_spectacular.utils import extend_schema
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.db.clock import clock
from hub.health.probes import (
    longest_inbox_wait,
    measure_database_latency,
)
from hub.health.scheduled_metrics import collect_log_metrics, collect_run_metrics
from hub.health.source_metrics import collect_source_metrics
from hub.incoming.models import InboundItem
from hub.incoming.receiving.counts import count_by_cause
from hub.mail.models import Mail
from hub.metrics.counters import Tally
from hub.outgoing.insight.explain import EFFECTIVELY_HELD, effective_reason_case
from hub.outgoing.insight.pumps import (
    count_deliveries_in_flight,
    count_pumps,
    longest_unserved_time,
)
from hub.outgoing.models import Delivery, Event
from hub.processes.worker_registry import WORKER_LOST_AFTER, Worker
from hub.queue import Heartbeat, WakeUp

COUNTED_PERIOD = timedelta(hours=1)  # of requests that are counted by minutes
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class TextRenderer(BaseRenderer):
    media_type = "text/plain"
    format = "txt"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return data if isinstance(data, bytes) else JSONRenderer().render(data)  # a problem


class MetricsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": "metrics:read"}
    renderer_classes = (TextRenderer,)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        registry = CollectorRegistry()
        registry.register(MetricsCollector(now=clock()))
        return Response(generate_latest(registry), content_type=CONTENT_TYPE)


class MetricsCollector:
    """Collects metrics by few cheap queries of narrow tables, partial indexes and stored counters.

    No query counts old rows.
    """

    def __init__(self, *, now: datetime) -> None:
        self.now = now

    def collect(self) -> Iterator[Metric]:
        yield from self.process()
        yield from self.queue()
        yield from self.deliveries()
        yield from self.due()
        yield from self.inbox()
        yield from collect_source_metrics(now=self.now)
        yield from self.mails()
        yield from collect_log_metrics(now=self.now)
        yield from collect_run_metrics(now=self.now)
        yield from _total_metrics()
        yield from _counter_metrics()

    def process(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "hub_database_latency_seconds",
            "Duration of one database query.",
            measure_database_latency(),
        )
        ages = {
            name: (self.now - at).total_seconds()
            for name, at in Heartbeat.objects.values_list("name", "at")
        }
        yield _labelled_gauge(
            "name",
            "hub_heartbeat_age_seconds",
            "Seconds since the last heartbeat of the worker, its pool (canary) and the sweep.",
            ages,
        )
        taken, capacity = count_pumps(
            Worker.objects.all(), total=settings.HUB_PUMPS_TOTAL, now=self.now
        )
        yield _labelled_gauge(
            "place",
            "hub_pumps",
            "Running pumps and the maximum number of pumps.",
            {"taken": taken, "all": capacity},
        )

    def queue(self) -> Iterator[Metric]:
        wakeup_summary = WakeUp.objects.filter(requested_at__isnull=False).aggregate(
            count=Count("pk"), oldest=Min("requested_at")
        )
        yield GaugeMetricFamily("hub_pending_wakeups", "Pending wake-ups.", wakeup_summary["count"])
        yield GaugeMetricFamily(
            "hub_oldest_wakeup_seconds",
            "Seconds since the oldest pending wake-up was requested.",
            self.seconds_since(wakeup_summary["oldest"]),
        )
        live_workers = Worker.objects.filter(seen_at__gt=self.now - WORKER_LOST_AFTER)
        worker_summary = live_workers.aggregate(count=Count("pk"), quietest=Min("heard_at"))
        yield GaugeMetricFamily("hub_workers", "Running workers.", worker_summary["count"])
        yield GaugeMetricFamily(
            "hub_pool_silence_seconds",
            "Seconds since the oldest heartbeat of a pool.",
            self.seconds_since(worker_summary["quietest"]),
        )

    def seconds_since(self, at: datetime | None) -> float:
        return (self.now - at).total_seconds() if at else 0.0

    def deliveries(self) -> Iterator[Metric]:
        states = _count_by_column(
            Delivery.unscoped.filter(state__in=("waiting", "held", "failed")), "state"
        )
        states["sending"] = count_deliveries_in_flight()
        held_reasons = _count_by_column(Delivery.unscoped.filter(state="held"), "reason")
        blocked_causes = _count_by_column(_deliveries_shown_as_held(), "cause")
        blocked_count = sum(blocked_causes.values())
        for state, change in (("waiting", -blocked_count), ("held", blocked_count), ("failed", 0)):
            states[state] = states.get(state, 0) + change
        yield _labelled_gauge(
            "state",
            "hub_deliveries",
            "Deliveries that have not arrived, by displayed state.",
            states,
        )
        reasons = {
            reason: held_reasons.get(reason, 0) + blocked_causes.get(reason, 0)
            for reason in held_reasons | blocked_causes
        }
        yield _labelled_gauge(
            "reason", "hub_held_deliveries", "Held deliveries, by reason.", reasons
        )

    def due(self) -> Iterator[Metric]:
        due_deliveries = Delivery.unscoped.filter(state="waiting", due_at__lte=self.now).exclude(
            EFFECTIVELY_HELD
        )
        due_summary = due_deliveries.aggregate(
            # a requested action is due before it was accepted, to be claimed first
            count=Count("pk"),
            oldest=Min(Greatest("due_at", "accepted_at")),
        )
        longest_wait = longest_unserved_time(now=self.now).total_seconds()
        yield GaugeMetricFamily(
            "hub_due_deliveries", "Deliveries that are due.", due_summary["count"]
        )
        yield GaugeMetricFamily(
            "hub_oldest_due_seconds",
            "Seconds since the oldest of them became due.",
            self.seconds_since(due_summary["oldest"]),
        )
        yield GaugeMetricFamily(
            "hub_unserved_seconds",
            "The longest time that a connection has waited to be claimed.",
            longest_wait,
        )

    def inbox(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "hub_oldest_webhook_seconds",
            "Seconds since the oldest received webhook became due.",
            longest_inbox_wait(now=self.now).total_seconds(),
        )
        requests = GaugeMetricFamily(
            "hub_webhook_requests",
            "Webhook requests of the last hour, by connector and result.",
            labels=["connector", "result"],
        )
        for labels, count in sorted(count_by_cause(since=self.now - COUNTED_PERIOD).items()):
            requests.add_metric(labels, count)
        yield requests
        open_items = InboundItem.unscoped.filter(
            state__in=("received", "held", "unmatched", "quarantined")
        )
        yield _labelled_gauge(
            "state",
            "hub_webhook_items",
            "Items of webhooks that were not published, by state.",
            _count_by_column(open_items, "state"),
        )

    def mails(self) -> Iterator[Metric]:
        waiting_mails = Mail.objects.filter(state="waiting", created_at__lte=self.now)
        mail_summary = waiting_mails.aggregate(count=Count("pk"), oldest=Min("created_at"))
        states = {
            "waiting": mail_summary["count"],
            "failed": Mail.objects.filter(state="failed").count(),
        }
        yield _labelled_gauge(
            "state", "hub_mails", "E-mails that no mail server has accepted yet.", states
        )
        yield GaugeMetricFamily(
            "hub_oldest_mail_seconds",
            "Seconds since the oldest of them was requested.",
            self.seconds_since(mail_summary["oldest"]),
        )


def _total_metrics() -> Iterator[Metric]:
    for name, model in (("events", Event), ("deliveries", Delivery)):
        newest = model.unscoped.aggregate(newest=Max("pk"))["newest"] or 0
        yield CounterMetricFamily(
            f"hub_{name}", f"The newest id of {name}: an upper bound of the number of rows.", newest
        )


COUNTER_METRICS = {  # name in the tally: (metric, what it is, its label, how many make one)
    "attempts": ("hub_attempts", "Attempts, by outcome.", "outcome", 1),
    "quota_waits": ("hub_quota_waits", "Deliveries that were postponed by a quota.", "", 1),
    "quota_wait_ms": ("hub_quota_wait_seconds", "How long they were postponed.", "", 1000),
    "lease_losses": (
        "hub_lease_losses",
        "Results that arrived after the lease of the delivery was lost.",
        "",
        1,
    ),
    "crashes": (
        "hub_crashes",
        "Deliveries that were in flight when their pump stopped unexpectedly.",
        "",
        1,
    ),
    "results_set_aside": (
        "hub_results_set_aside",
        "Results of calls that could not be stored, and were set aside.",
        "",
        1,
    ),
    "sweep_failures": ("hub_sweep_failures", "Failures of steps of the sweep.", "step", 1),
    "pool_replacements": (
        "hub_pool_replacements",
        "Pools that a worker replaced because they hung or exited.",
        "why",
        1,
    ),
}


def _counter_metrics() -> Iterator[Metric]:
    counts_by_name: dict[str, dict[str, int]] = {}
    for name, label, value in Tally.objects.values_list("name", "label", "value"):
        counts_by_name.setdefault(name, {})[label] = value
    for name, (metric, documentation, label, unit) in COUNTER_METRICS.items():
        family = CounterMetricFamily(metric, documentation, labels=[label] if label else [])
        counts = counts_by_name.get(name, {} if label else {"": 0})
        for label_value, count in sorted(counts.items()):
            family.add_metric([label_value] if label else [], count / unit)
        yield family


def _deliveries_shown_as_held() -> QuerySet[Delivery]:
    """Select waiting deliveries that their lane, a kill switch or a suspended tenant holds."""
    return Delivery.unscoped.filter(EFFECTIVELY_HELD).annotate(cause=effective_reason_case())


def _count_by_column(rows: QuerySet[Any], column: str) -> dict[str, int]:
    return dict(rows.order_by().values_list(column).annotate(Count("pk")))


def _labelled_gauge(
    label: str, name: str, documentation: str, values: Mapping[str, float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, documentation, labels=[label])
    for value, measurement in sorted(values.items()):
        family.add_metric([value], measurement)
    return family
