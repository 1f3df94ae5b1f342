"""Compare a delivery with the last one of its route and connection that arrived."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from hub.outgoing.insight.bodies import build_display_body
from hub.outgoing.insight.mapping_editor.request_text import (
    ComparedLine,
    RequestText,
    compare_request_texts,
)
from hub.outgoing.models import Attempt, Delivery, Exchange, Rendering

DELIVERIES_SCANNED = 5_000  # the tenant's newest, among which the last one that arrived is searched


@dataclass(frozen=True, slots=True)
class ComparedFact:
    label: str
    before: str
    now: str

    @property
    def differs(self) -> bool:
        return self.before != self.now


@dataclass(frozen=True, slots=True)
class ArrivalComparison:
    """A delivery beside the last one that arrived: facts, and the lines of both requests.

    `lines` are those of the delivery itself.
    """

    arrived_delivery: Delivery
    facts: Sequence[ComparedFact]
    arrived_lines: Sequence[ComparedLine]
    lines: Sequence[ComparedLine]

    @property
    def has_differences(self) -> bool:
        lines = (*self.arrived_lines, *self.lines)
        return any(fact.differs for fact in self.facts) or any(
            line.kind != "same" for line in lines
        )


@dataclass(frozen=True, slots=True)
class _ComparedDelivery:
    """A delivery with the body, the attempt and the exchange that are compared."""

    delivery: Delivery
    body: bytes | memoryview | None
    attempt: Attempt | None
    exchange: Exchange | None


def compare_with_last_arrival(
    delivery: Delivery, *, with_exchanges: bool
) -> ArrivalComparison | None:
    """Compare a delivery that has not arrived with the last one that did, in five queries.

    Without `with_exchanges` no calls are compared, as a call on the platform's connection carries
    messages of other tenants. None if the delivery itself arrived, or if none arrived before.
    """
    if delivery.state == "delivered" or delivery.connection_id is None:
        return None
    arrived = find_last_arrival(delivery)
    if arrived is None:
        return None
    before, now = _load_sides(arrived, delivery, with_exchanges=with_exchanges)
    arrived_lines, lines = compare_request_texts(_write_request(before), _write_request(now))
    if now.body is None and now.exchange is None:  # nothing was rendered yet
        arrived_lines, lines = [], []
    return ArrivalComparison(arrived, _list_facts(before, now), arrived_lines, lines)


def find_last_arrival(delivery: Delivery) -> Delivery | None:
    """Find the newest delivery of the same route and connection that arrived, in one statement."""
    deliveries = Delivery.unscoped.filter(tenant=delivery.tenant_id).order_by("-pk")
    scan_limit = deliveries.values("pk")[DELIVERIES_SCANNED - 1 : DELIVERIES_SCANNED]
    arrived: Delivery | None = (
        deliveries.filter(
            route=delivery.route_id,
            connection=delivery.connection_id,
            state="delivered",
            pk__gte=Coalesce(Subquery(scan_limit), 0),
        )
        .select_related("event", "mapping_version")
        .first()
    )
    return arrived


def _load_sides(
    arrived: Delivery, delivery: Delivery, *, with_exchanges: bool
) -> tuple[_ComparedDelivery, _ComparedDelivery]:
    ids = (arrived.pk, delivery.pk)
    bodies: Mapping[int, Rendering] = Rendering.objects.in_bulk(ids)
    # the last one of each
    attempts = {
        attempt.delivery_id: attempt
        for attempt in Attempt.unscoped.filter(delivery__in=ids).order_by("pk")
    }
    calls: dict[UUID, Exchange] = Exchange.objects.in_bulk(
        [attempt.exchange for attempt in attempts.values() if attempt.exchange and with_exchanges]
    )
    sides = []
    for one in (arrived, delivery):
        attempt = attempts.get(one.pk)
        rendering = bodies.get(one.pk)
        exchange = calls.get(attempt.exchange) if attempt and attempt.exchange else None
        sides.append(
            _ComparedDelivery(one, rendering.body if rendering else None, attempt, exchange)
        )
    return sides[0], sides[1]


def _write_request(side: _ComparedDelivery) -> RequestText:
    body = build_display_body(side.body)
    text = (body.pretty or body.raw) if body else ""
    method, url = (side.exchange.method, side.exchange.url) if side.exchange else ("", "")
    return RequestText(method, url, (), text)


def _list_facts(before: _ComparedDelivery, now: _ComparedDelivery) -> list[ComparedFact]:
    pairs = (
        (_("Version of the field mapping"), _describe_version(before), _describe_version(now)),
        (_("Answer"), _describe_answer(before), _describe_answer(now)),
        (_("Duration of the call"), _describe_duration(before), _describe_duration(now)),
    )
    return [ComparedFact(*pair) for pair in pairs if pair[1] or pair[2]]


def _describe_version(side: _ComparedDelivery) -> str:
    version = side.delivery.mapping_version
    return f"v{version.number}" if version else ""


def _describe_answer(side: _ComparedDelivery) -> str:
    if side.exchange and side.exchange.status:
        return f"HTTP {side.exchange.status}"
    return _("no answer") if side.attempt and side.exchange else ""


def _describe_duration(side: _ComparedDelivery) -> str:
    if side.attempt is None or side.attempt.milliseconds is None:
        return ""
    return f"{side.attempt.milliseconds} ms"
