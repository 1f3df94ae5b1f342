"""/metrics for Prometheus: for a platform key with the scope metrics:read, as numbers tell of customers too."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db.models import Count, Max, Min, QuerySet
from drf_spectacular.utils import extend_schema
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.clock import clock
from hub.health.probes import database_latency, unserved
from hub.mail.models import Mail
from hub.outgoing.explain import READS_AS_HELD, shown_reason
from hub.outgoing.models import Delivery, Event
from hub.outgoing.pump import place
from hub.outgoing.pump.claim import in_hand
from hub.queue import Heartbeat, WakeUp
from hub.standing import GONE, Worker
from hub.tally import Tally

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class TextRenderer(BaseRenderer):
    media_type = "text/plain"
    format = "txt"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return data if isinstance(data, bytes) else JSONRenderer().render(data)  # a problem


class MetricsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": "metrics:read"}
    renderer_classes = (TextRenderer,)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        registry = CollectorRegistry()
        registry.register(Numbers(now=clock()))
        return Response(generate_latest(registry), content_type=CONTENT_TYPE)


class Numbers:
    """Few cheap questions: of narrow tables, of partial indexes, and of the newest ids; nothing counts the past."""

    def __init__(self, *, now: datetime) -> None:
        self.now = now

    def collect(self) -> Iterator[Metric]:
        yield from self.process()
        yield from self.queue()
        yield from self.deliveries()
        yield from self.due()
        yield from self.mails()
        yield from totals()
        yield from tallied()

    def process(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("hub_database_latency_seconds", "One question to the database.", database_latency())
        ages = {name: (self.now - at).total_seconds() for name, at in Heartbeat.objects.values_list("name", "at")}
        yield by("name", "hub_beat_age_seconds", "Since the worker, its pool (canary), the sweep were seen.", ages)
        places = {
            "taken": len(place.living_leases(now=self.now)),
            "all": place.capacity(Worker.objects.all(), total=settings.HUB_PUMPS_TOTAL, now=self.now),
        }
        yield by("place", "hub_pumps", "Pumps that run, and that may run.", places)

    def queue(self) -> Iterator[Metric]:
        rung = WakeUp.objects.filter(requested_at__isnull=False).aggregate(
            count=Count("pk"), oldest=Min("requested_at")
        )
        yield GaugeMetricFamily("hub_bells", "Bells that were rung and not yet heard.", rung["count"])
        yield GaugeMetricFamily("hub_oldest_bell_seconds", "Since the oldest was rung.", self.since(rung["oldest"]))
        living = Worker.objects.filter(seen_at__gt=self.now - GONE)
        told = living.aggregate(count=Count("pk"), quietest=Min("heard_at"))
        yield GaugeMetricFamily("hub_workers", "Workers that run.", told["count"])
        yield GaugeMetricFamily(
            "hub_pool_silence_seconds", "Since the quietest pool was heard.", self.since(told["quietest"])
        )

    def since(self, at: datetime | None) -> float:
        return (self.now - at).total_seconds() if at else 0.0

    def deliveries(self) -> Iterator[Metric]:
        states = counted(Delivery.unscoped.filter(state__in=("waiting", "held", "failed")), "state")
        states["sending"] = in_hand().count()
        own = counted(Delivery.unscoped.filter(state="held"), "reason")
        behind = counted(reading_as_held(), "cause")
        closed = sum(behind.values())
        for state, moved in (("waiting", -closed), ("held", closed), ("failed", 0)):
            states[state] = states.get(state, 0) + moved
        yield by("state", "hub_deliveries", "Deliveries that have not arrived, as they read.", states)
        reasons = {reason: own.get(reason, 0) + behind.get(reason, 0) for reason in own | behind}
        yield by("reason", "hub_held_deliveries", "Held deliveries, by reason.", reasons)

    def due(self) -> Iterator[Metric]:
        due = Delivery.unscoped.filter(state="waiting", due_at__lte=self.now).exclude(READS_AS_HELD)
        found = due.aggregate(count=Count("pk"), oldest=Min("due_at"))
        waited = unserved(now=self.now).total_seconds()
        yield GaugeMetricFamily("hub_due_deliveries", "Deliveries that are due.", found["count"])
        yield GaugeMetricFamily(
            "hub_oldest_due_seconds", "Since the oldest of them is due.", self.since(found["oldest"])
        )
        yield GaugeMetricFamily("hub_unserved_seconds", "The longest that a connection waits for its turn.", waited)

    def mails(self) -> Iterator[Metric]:
        to_go = Mail.objects.filter(state="waiting", created_at__lte=self.now)
        waiting = to_go.aggregate(count=Count("pk"), oldest=Min("created_at"))
        states = {"waiting": waiting["count"], "failed": Mail.objects.filter(state="failed").count()}
        yield by("state", "hub_mails", "Mails that no server has taken.", states)
        yield GaugeMetricFamily(
            "hub_oldest_mail_seconds", "Since the oldest that waits was asked for.", self.since(waiting["oldest"])
        )


def totals() -> Iterator[Metric]:
    for name, model in (("events", Event), ("deliveries", Delivery)):
        newest = model.unscoped.aggregate(newest=Max("pk"))["newest"] or 0
        yield CounterMetricFamily(f"hub_{name}", f"The newest id of {name}: as many were made, or few less.", newest)


TALLIED = {  # name in the tally: (metric, what it is, its label, how many make one)
    "attempts": ("hub_attempts", "Attempts, by outcome.", "outcome", 1),
    "quota_waits": ("hub_quota_waits", "Times that a delivery was sent back by a quota.", "", 1),
    "quota_wait_ms": ("hub_quota_wait_seconds", "For how long they were sent back.", "", 1000),
    "lease_losses": ("hub_lease_losses", "Answers that came when the delivery was no longer ours.", "", 1),
    "crashes": ("hub_crashes", "Deliveries that were on their way when their pump died.", "", 1),
    "sweep_failures": ("hub_sweep_failures", "Failures of steps of the sweep.", "step", 1),
    "pool_replacements": ("hub_pool_replacements", "Pools that a worker replaced: hung, or ended.", "why", 1),
}


def tallied() -> Iterator[Metric]:
    found: dict[str, dict[str, int]] = {}
    for name, label, value in Tally.objects.values_list("name", "label", "value"):
        found.setdefault(name, {})[label] = value
    for name, (metric, documentation, label, unit) in TALLIED.items():
        family = CounterMetricFamily(metric, documentation, labels=[label] if label else [])
        for value, count in sorted(found.get(name, {} if label else {"": 0}).items()):
            family.add_metric([value] if label else [], count / unit)
        yield family


def reading_as_held() -> QuerySet[Delivery]:
    """What waits behind a closed lane, a switch or a suspended tenant."""
    return Delivery.unscoped.filter(READS_AS_HELD).annotate(cause=shown_reason())


def counted(rows: QuerySet[Any], column: str) -> dict[str, int]:
    return dict(rows.order_by().values_list(column).annotate(Count("pk")))


def by(label: str, name: str, documentation: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, documentation, labels=[label])
    for value, number in sorted(values.items()):
        family.add_metric([value], number)
    return family
