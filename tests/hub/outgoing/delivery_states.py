"""Helpers of the tests of deliveries: how one reads, and what a pump leaves that dies."""

from hub.outgoing.insight.explain import readable_deliveries, resolve_effective_state
from hub.outgoing.models import Delivery
from tests.factories import MINUTE, NOON


def read_delivery(delivery):
    return readable_deliveries().get(pk=delivery.pk)


def state_of(delivery):
    return resolve_effective_state(read_delivery(delivery))[:2]


def simulate_pump_crash(*deliveries, at=NOON):
    """As a pump leaves it that dies while it sends these."""
    for delivery in deliveries:
        Delivery.unscoped.filter(pk=delivery.pk).update(
            state="sending", attempt_count=1, lease=delivery.public_id
        )
        lane = delivery.connection.lane
        lane.lease, lane.lease_until = delivery.public_id, at - MINUTE
        lane.save()
