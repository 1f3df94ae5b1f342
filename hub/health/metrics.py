"""/metrics for Prometheus: for a platform key with the scope metrics:read, as numbers tell of customers too."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db.models import Case, Count, F, Max, Min, QuerySet, Value, When
from drf_spectacular.utils import extend_schema
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.clock import clock
from hub.health.probes import database_latency, unserved
from hub.outgoing.explain import HELD_BY_TENANT, READS_AS_HELD
from hub.outgoing.models import Attempt, Delivery, Event, PumpPlace
from hub.queue import Beat

NEWEST = 1000  # attempts that are counted by outcome
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
        yield from self.deliveries()
        yield from self.due()
        yield from totals()

    def process(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("hub_database_latency_seconds", "One question to the database.", database_latency())
        ages = {name: (self.now - at).total_seconds() for name, at in Beat.objects.values_list("name", "at")}
        yield by("name", "hub_beat_age_seconds", "Since the worker, its pool (canary), the sweep were seen.", ages)
        places = {
            "taken": PumpPlace.objects.filter(lease_until__gt=self.now).count(),
            "all": settings.HUB_PUMPS,
        }
        yield by("place", "hub_pumps", "Pumps that run, and that may run.", places)

    def deliveries(self) -> Iterator[Metric]:
        states = counted(Delivery.unscoped.filter(state__in=("waiting", "held", "dead")), "state")
        states["sending"] = Delivery.unscoped.filter(state="sending").count()
        own = counted(Delivery.unscoped.filter(state="held"), "reason")
        behind = counted(held_by_lane_or_tenant(), "cause")
        closed = sum(behind.values())
        for state, moved in (("waiting", -closed), ("held", closed), ("dead", 0)):
            states[state] = states.get(state, 0) + moved
        yield by("state", "hub_deliveries", "Deliveries that have not arrived, as they read.", states)
        reasons = {reason: own.get(reason, 0) + behind.get(reason, 0) for reason in own | behind}
        yield by("reason", "hub_held_deliveries", "Held deliveries, by reason.", reasons)

    def due(self) -> Iterator[Metric]:
        due = Delivery.unscoped.filter(state="waiting", due_at__lte=self.now).exclude(READS_AS_HELD)
        found = due.aggregate(count=Count("pk"), oldest=Min("due_at"))
        age = (self.now - found["oldest"]).total_seconds() if found["oldest"] else 0.0
        waited = unserved(now=self.now).total_seconds()
        yield GaugeMetricFamily("hub_due_deliveries", "Deliveries that are due.", found["count"])
        yield GaugeMetricFamily("hub_oldest_due_seconds", "Since the oldest of them is due.", age)
        yield GaugeMetricFamily("hub_unserved_seconds", "The longest that a connection waits for its turn.", waited)


def totals() -> Iterator[Metric]:
    for name, model in (("events", Event), ("deliveries", Delivery), ("attempts", Attempt)):
        newest = model.unscoped.aggregate(newest=Max("pk"))["newest"] or 0
        yield CounterMetricFamily(f"hub_{name}", f"The newest id of {name}: as many were made, or few less.", newest)
    recent = Counter(Attempt.unscoped.order_by("-pk").values_list("outcome", flat=True)[:NEWEST])
    yield by("outcome", "hub_recent_attempts", f"The newest {NEWEST:,} attempts, by outcome.", recent)


def held_by_lane_or_tenant() -> QuerySet[Delivery]:
    cause = Case(When(HELD_BY_TENANT, then=Value("tenant_suspended")), default=F("connection__lane__held"))
    return Delivery.unscoped.filter(READS_AS_HELD).annotate(cause=cause)


def counted(rows: QuerySet[Any], column: str) -> dict[str, int]:
    return dict(rows.order_by().values_list(column).annotate(Count("pk")))


def by(label: str, name: str, documentation: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, documentation, labels=[label])
    for value, number in sorted(values.items()):
        family.add_metric([value], number)
    return family
