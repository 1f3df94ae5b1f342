"""Recover after a crash: what a dead pump was sending may have arrived; it is sent again."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import F, Value
from django.db.models.functions import Coalesce, Least

from hub.connections.models import Lane
from hub.metrics import counters
from hub.outgoing.models import Attempt, Delivery
from hub.outgoing.pump.claiming.crash_limits import MAX_CRASHES


def recover_expired_leases(lanes: Sequence[Lane], *, now: datetime) -> None:
    """End the attempts in flight on lanes with an expired lease, with the outcome *unknown*.

    Their deliveries return to *waiting*, at the front of their lane and marked as possibly
    delivered. After MAX_CRASHES crashes they fail; those of a route that holds possibly delivered
    messages are held.
    """
    expired_ids = [lane.pk for lane in lanes if lane.lease is not None]
    if not expired_ids:
        return
    interrupted_query = Delivery.unscoped.filter(connection_id__in=expired_ids, state="sending")
    # locked, as the pump that lost the lease may be storing a result at this moment
    locked = interrupted_query.select_for_update(of=("self",), no_key=True).order_by("pk")
    interrupted = list(locked.select_related("route"))
    _record_crashes(interrupted, now=now)
    exhausted_ids = [row.pk for row in interrupted if row.crash_count + 1 >= MAX_CRASHES]
    held_ids = [row.pk for row in interrupted if row.route.is_held_when_unknown]
    common_changes = {
        "crash_count": F("crash_count") + 1,
        "lease": None,
        "state_changed_at": now,
        "possibly_delivered": True,
        "quota_queue": 0,
    }
    interrupted_query.filter(pk__in=exhausted_ids).update(
        state="failed", reason="crashed", due_at=None, **common_changes
    )
    interrupted_query.filter(pk__in=held_ids).update(
        state="held", reason="unknown_effect", due_at=None, **common_changes
    )
    place = Least(Coalesce(F("due_at"), Value(now)), Value(now))
    interrupted_query.update(state="waiting", reason="crashed", due_at=place, **common_changes)


def _record_crashes(interrupted: Sequence[Delivery], *, now: datetime) -> None:
    Attempt.unscoped.bulk_create(
        Attempt(
            delivery=delivery,
            number=delivery.attempt_count,
            started_at=now,
            outcome="unknown",
            reason="crashed",
        )
        for delivery in interrupted
    )
    count = len(interrupted)
    counters.add_counts({("attempts", "unknown"): count, ("crashes", ""): count})
