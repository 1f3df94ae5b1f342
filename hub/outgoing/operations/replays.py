"""Replays: new deliveries that send delivered or ended messages again."""

from collections.abc import Collection, Sequence

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Max

from hub.outgoing.models import Delivery
from hub.outgoing.queue.ordering import assign_positions

ReplayKey = tuple[int, int, int | None]  # event, route, connection

log = structlog.get_logger(__name__)


def replay_key(delivery: Delivery) -> ReplayKey:
    """Return the key that all replays of one message share."""
    return delivery.event_id, delivery.route_id, delivery.connection_id


def find_newest_replays(deliveries: Collection[Delivery]) -> dict[ReplayKey, int]:
    """Return the highest replay number of each message."""
    events = {delivery.event_id for delivery in deliveries}
    siblings = Delivery.unscoped.filter(event__in=events).order_by()
    numbers = siblings.values_list("event", "route", "connection").annotate(Max("replay_number"))
    return {(event, route, connection): number for event, route, connection, number in numbers}


def insert_replays(replays: Sequence[Delivery]) -> list[Delivery]:
    """Insert the replays; return those whose number no concurrent transaction has inserted."""
    if not replays:
        return []
    try:
        with transaction.atomic():
            assign_positions(replays)
            Delivery.unscoped.bulk_create(replays)
    except IntegrityError:
        if len(replays) > 1:
            return [replay for single in replays for replay in insert_replays([single])]
        log.warning("delivery.sent_again_by_another", event_id=replays[0].event_id)
        return []
    return list(replays)
