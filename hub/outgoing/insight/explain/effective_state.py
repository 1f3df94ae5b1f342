"""The effective state: a waiting delivery of a held lane or suspended tenant counts as held."""

from typing import NamedTuple

from django.db.models import Case, CharField, F, Q, QuerySet, Value, When

from connectors.registry import CONNECTORS
from hub.connections.models import BREAKER, DISCONNECTED, HOLDING_STATES, MAINTENANCE, REFRESHING
from hub.outgoing.models import Delivery
from hub.reason_codes import REASONS, Reason, endpoint_rejection, find_reason
from hub.state_texts import DELIVERY_STATES

# The conditions of `resolve_state_and_reason`, as queries.
HELD_BY_TENANT = Q(tenant__suspended_at__isnull=False)
HELD_BY_SWITCH = Q(connection__lane__isnull=False) & ~Q(connection__lane__switched_off_by="")
HELD_BY_LANE = Q(connection__lane__isnull=False) & ~Q(connection__lane__hold_reason="")
HELD_BY_ORDER = Q(due_at=None)  # another of its key is before it
EFFECTIVELY_HELD = Q(state="waiting") & (
    HELD_BY_TENANT | HELD_BY_SWITCH | HELD_BY_LANE | HELD_BY_ORDER
)
# all reasons for which a lane is held
LANE_REASONS = {*HOLDING_STATES, DISCONNECTED, BREAKER, MAINTENANCE, REFRESHING}
# reasons that a delivery's row need not have itself
INHERITED_REASONS = {*LANE_REASONS, "tenant_suspended", "switched_off", "behind"}


class EffectiveState(NamedTuple):
    """State and reason as shown to people, the reason's sentence, and what a person can do."""

    state: str
    reason: str
    sentence: str
    action: str


def readable_deliveries() -> QuerySet[Delivery]:
    """Select deliveries with all that `resolve_effective_state` reads."""
    return Delivery.unscoped.select_related("event", "route", "tenant", "connection__lane")


def resolve_effective_state(delivery: Delivery) -> EffectiveState:
    """Return the effective state; reads tenant, route, connection and lane of the delivery."""
    state, reason = resolve_state_and_reason(delivery)
    # the reason of a cancelled delivery is why it had not been sent before
    explains_state = reason and state != "cancelled"
    words = (
        describe_delivery_reason(reason, delivery.route.connector_key)
        if explains_state
        else DELIVERY_STATES[state]
    )
    return EffectiveState(state, reason, words.sentence, words.action)


def resolve_state_and_reason(delivery: Delivery) -> tuple[str, str]:
    if delivery.state != "waiting":
        return delivery.state, delivery.reason
    lane = getattr(delivery.connection, "lane", None)
    causes = (
        ("tenant_suspended", delivery.tenant.suspended),
        ("switched_off", lane and lane.switched_off_by),
        (lane and lane.hold_reason, lane and lane.hold_reason),
        ("behind", delivery.due_at is None),
    )
    hold_reason = next((str(reason) for reason, applies in causes if applies), None)
    return ("waiting", delivery.reason) if hold_reason is None else ("held", hold_reason)


def match_effective_state(state: str) -> Q:
    """Match the deliveries with this effective state."""
    if state == "held":
        return Q(state="held") | EFFECTIVELY_HELD
    return Q(state="waiting") & ~EFFECTIVELY_HELD if state == "waiting" else Q(state=state)


def effective_state_case() -> Case:
    """Build the SQL expression of the effective state, for queries that count or group."""
    return Case(
        When(EFFECTIVELY_HELD, then=Value("held")), default=F("state"), output_field=CharField()
    )


def effective_reason_case() -> Case:
    """Build the SQL of the effective reason, the widest first, as `resolve_state_and_reason`."""
    waiting = Q(state="waiting")
    return Case(
        When(waiting & HELD_BY_TENANT, then=Value("tenant_suspended")),
        When(waiting & HELD_BY_SWITCH, then=Value("switched_off")),
        When(waiting & HELD_BY_LANE, then=F("connection__lane__hold_reason")),
        When(waiting & HELD_BY_ORDER, then=Value("behind")),
        default=F("reason"),
        output_field=CharField(),
    )


def match_effective_reason(reason: str) -> Q:
    """Match the deliveries with this effective reason."""
    own_reason = Q(reason=reason) & ~EFFECTIVELY_HELD
    if reason not in INHERITED_REASONS:
        return own_reason
    waiting = Q(state="waiting")
    wider = {
        "tenant_suspended": HELD_BY_TENANT,
        "switched_off": HELD_BY_SWITCH & ~HELD_BY_TENANT,
        "behind": HELD_BY_ORDER & ~HELD_BY_TENANT & ~HELD_BY_SWITCH & ~HELD_BY_LANE,
    }
    by_lane = Q(connection__lane__hold_reason=reason) & ~HELD_BY_TENANT & ~HELD_BY_SWITCH
    return waiting & wider.get(reason, by_lane) | own_reason


def describe_delivery_reason(reason: str, connector_key: str) -> Reason:
    connector = CONNECTORS.get(connector_key)
    if connector and connector.is_own_endpoint and (refusal := endpoint_rejection(reason)):
        return refusal
    return REASONS.get(reason) or find_reason(
        reason, system=connector.label if connector else connector_key
    )
