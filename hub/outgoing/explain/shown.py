"""How a delivery reads: what waits behind a closed lane or a suspended tenant reads, counts and is found as held."""

from typing import NamedTuple

from django.db.models import Case, CharField, F, Q, QuerySet, Value, When

from connectors.registry import CONNECTORS
from hub.connections.models import BREAKER, DISCONNECTED, HOLDING, MAINTENANCE, REFRESHING
from hub.outgoing.models import Delivery
from hub.words import REASONS, STATES, Reason, endpoint_refusal, reason_of

# The same as `standing`, for lists.
HELD_BY_TENANT = Q(tenant__suspended_at__isnull=False)
HELD_BY_SWITCH = Q(connection__lane__isnull=False) & ~Q(connection__lane__switched_off_by="")
HELD_BY_LANE = Q(connection__lane__isnull=False) & ~Q(connection__lane__hold_reason="")
BEHIND = Q(due_at=None)  # another of its key stands before it
READS_AS_HELD = Q(state="waiting") & (HELD_BY_TENANT | HELD_BY_SWITCH | HELD_BY_LANE | BEHIND)
OF_LANES = {*HOLDING, DISCONNECTED, BREAKER, MAINTENANCE, REFRESHING}  # all that a lane is ever held for
OF_OTHERS = {
    *OF_LANES,
    "tenant_suspended",
    "switched_off",
    "behind",
}  # reasons that no row of a delivery needs to carry


class Shown(NamedTuple):
    """The state as people read it, why, in words, and what a person does about it."""

    state: str
    reason: str
    sentence: str
    action: str


def readable_deliveries() -> QuerySet[Delivery]:
    """With all that `shown` reads."""
    return Delivery.unscoped.select_related("event", "route", "tenant", "connection__lane")


def shown(delivery: Delivery) -> Shown:
    """Reads tenant, route, connection and lane of the delivery."""
    state, reason = standing(delivery)
    told = reason and state != "cancelled"  # then the reason is only why it did not go before
    words = words_of(reason, delivery.route.connector_key) if told else STATES[state]
    return Shown(state, reason, words.sentence, words.action)


def standing(delivery: Delivery) -> tuple[str, str]:
    if delivery.state != "waiting":
        return delivery.state, delivery.reason
    lane = getattr(delivery.connection, "lane", None)
    causes = (
        ("tenant_suspended", delivery.tenant.suspended),
        ("switched_off", lane and lane.switched_off_by),
        (lane and lane.hold_reason, lane and lane.hold_reason),
        ("behind", delivery.due_at is None),
    )
    return next((("held", reason) for reason, stands in causes if stands), ("waiting", delivery.reason))


def in_state(state: str) -> Q:
    """The deliveries that read as being in this state."""
    if state == "held":
        return Q(state="held") | READS_AS_HELD
    return Q(state="waiting") & ~READS_AS_HELD if state == "waiting" else Q(state=state)


def shown_state() -> Case:
    """The state as people read it, for a statement that counts or groups."""
    return Case(When(READS_AS_HELD, then=Value("held")), default=F("state"), output_field=CharField())


def shown_reason() -> Case:
    """The reason as people read it, the widest first, as `standing` gives it."""
    waiting = Q(state="waiting")
    return Case(
        When(waiting & HELD_BY_TENANT, then=Value("tenant_suspended")),
        When(waiting & HELD_BY_SWITCH, then=Value("switched_off")),
        When(waiting & HELD_BY_LANE, then=F("connection__lane__hold_reason")),
        When(waiting & BEHIND, then=Value("behind")),
        default=F("reason"),
        output_field=CharField(),
    )


def for_reason(reason: str) -> Q:
    """The deliveries that read as having this reason."""
    of_its_own = Q(reason=reason) & ~READS_AS_HELD
    if reason not in OF_OTHERS:
        return of_its_own
    waiting = Q(state="waiting")
    wider = {
        "tenant_suspended": HELD_BY_TENANT,
        "switched_off": HELD_BY_SWITCH & ~HELD_BY_TENANT,
        "behind": BEHIND & ~HELD_BY_TENANT & ~HELD_BY_SWITCH & ~HELD_BY_LANE,
    }
    by_lane = Q(connection__lane__hold_reason=reason) & ~HELD_BY_TENANT & ~HELD_BY_SWITCH
    return waiting & wider.get(reason, by_lane) | of_its_own


def words_of(reason: str, connector: str) -> Reason:
    code = CONNECTORS.get(connector)
    if code and code.own_endpoint and (refusal := endpoint_refusal(reason)):
        return refusal
    return REASONS.get(reason) or reason_of(reason, system=code.label if code else connector)
