"""The one call of a run that shows whether a system with an open breaker is available again."""

from dataclasses import asdict, replace
from datetime import datetime

from django.db import transaction

from connectors.http import Response
from connectors.outcomes import Outcome
from hub.connections.calls.reserved_call import ReservedCall
from hub.connections.credentials.call_health import apply_call_counts
from hub.connections.models import BREAKER, Lane
from hub.outgoing.breaker import BreakerState, CallCounts, compute_open_duration, score_calls
from hub.queue import wake_up

STATUS_THROTTLED = 429
NOT_SENT_REASONS = ("not_sent", "egress_refused")


def is_breaker_probe(call: ReservedCall) -> bool:
    """Return whether a call probes: over a held lane, no other call is prepared."""
    return bool(call.connection.lane.hold_reason == BREAKER)


def claim_probe(lane: Lane, *, now: datetime) -> bool:
    """Claim the probe of an open breaker that is due; False if another call has claimed it.

    The next one is due as late as after a failed probe, in case that the claimant dies.
    """
    next_at = now + compute_open_duration(max(lane.breaker_trips, 1))
    unclaimed = Lane.unscoped.filter(pk=lane.pk, hold_reason=BREAKER, open_until=lane.open_until)
    is_claimed = bool(unclaimed.update(open_until=next_at))
    lane.open_until = next_at
    return is_claimed


@transaction.atomic
def settle_probe(probed: Lane, response: Response | None, answer: object, *, now: datetime) -> None:
    """Close the breaker if the system answered its probe; otherwise it stays open for longer."""
    claimed = Lane.unscoped.filter(
        pk=probed.pk, hold_reason=BREAKER, open_until=probed.open_until
    ).select_for_update(no_key=True, of=("self",))
    lane = claimed.select_related("connection__tenant").first()
    if lane is None:  # a person or another probe was faster
        return
    due = replace(BreakerState.of(lane), open_until=now)
    state = score_calls(due, _count_probe(response, answer), now=now)
    columns = asdict(state) | {"hold_reason": BREAKER if state.is_open else ""}
    vars(lane).update(columns)
    lane.save(update_fields=list(columns))
    apply_call_counts(lane.connection, lane, "", now=now)
    if not state.is_open:
        wake_up("pump", now=now)


def _count_probe(response: Response | None, answer: object) -> CallCounts:
    """Return the evidence of a probe: none if it was not sent, or refused by a quota."""
    if response is None:
        was_sent = not (isinstance(answer, Outcome) and answer.reason in NOT_SENT_REASONS)
        return CallCounts(down=was_sent, failed=was_sent)
    if response.status == STATUS_THROTTLED:
        return CallCounts()
    is_up = response.status < 500
    return CallCounts(up=is_up, down=not is_up, succeeded=response.status < 300, failed=not is_up)
