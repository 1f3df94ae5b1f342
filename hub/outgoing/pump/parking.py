"""Park claimed deliveries that wait for quotas, so that their lanes are free for others."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from hub.outgoing.pump.claiming.batch_sizing import BatchSizing
from hub.outgoing.pump.claiming.claim import correct_virtual_time
from hub.outgoing.pump.settling.release_lanes import release_lanes
from hub.outgoing.pump.settling.settle import apply_transitions
from hub.outgoing.pump.settling.transitions import find_transitions
from hub.outgoing.pump.types import NotSent, ScheduledBatch


def park_batches(
    lease: UUID,
    batches: Sequence[ScheduledBatch],
    not_sent: Sequence[NotSent],
    sizing: BatchSizing,
    *,
    now: datetime,
    random: Callable[[], float],
) -> list[ScheduledBatch]:
    """Store the waiting deliveries, and release the lanes on which all deliveries wait.

    Return the batches to send.
    """
    if not not_sent:
        return list(batches)
    apply_transitions(lease, list(find_transitions(not_sent, now=now, random=random)), now=now)
    parked_lanes = {entry.batch.lane.pk for entry in not_sent}
    sendable_batches = [
        batch for batch in batches if batch.requests or batch.lane_id not in parked_lanes
    ]
    idle_lanes = parked_lanes.difference(batch.lane_id for batch in sendable_batches)
    sent_counts = {
        batch.lane_id: batch.delivery_count for batch in batches if batch.lane_id in parked_lanes
    }
    correct_virtual_time(lease, sent_counts, now=now)
    release_lanes(lease, idle_lanes, now=now)
    for lane in idle_lanes:
        sizing.record_parked(lane)
    return sendable_batches
