"""Health of endpoints: the circuit breaker of lanes, and the notice before one is disabled.

Results without a failure, on lanes without one, need no statement.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime

from django.conf import settings

from connectors.outcomes import Outcome
from hub.connections.credentials.call_health import apply_call_counts, format_answer
from hub.connections.models import BREAKER, Connection, Lane
from hub.crypto.redaction import redact_excerpt
from hub.db.state_machine import InvalidTransition
from hub.notices.notify import create_notice
from hub.outgoing import breaker
from hub.outgoing.breaker import BreakerState, CallCounts
from hub.outgoing.pump.types import MAX_DETAIL_LENGTH, LaneBatch, SendResult

BREAKER_COLUMNS = [field.name for field in fields(BreakerState)]
FAILURE_KINDS = {"later", "unknown", "reconnect"}
STATUS_THROTTLED = 429
SUCCESSFUL_CALL = CallCounts(up=1, succeeded=1)  # shared, as nearly all are successful
NOT_SENT_REASONS = {"egress_refused"}  # refused by our settings: no evidence about the endpoint


def update_endpoint_health(
    send_results: Sequence[SendResult], failure_texts: Mapping[int, str], *, now: datetime
) -> None:
    """Update the breakers of the lanes with failures, and the connections' call health.

    `failure_texts` are the results of `last_failure_texts`, redacted before the transaction began.
    """
    batches = {send_result.batch.lane.pk: send_result.batch for send_result in send_results}
    calls = _count_calls(send_results, batches)
    if not calls:
        return
    # A lane that a publisher has locked is skipped, and its calls are not counted.
    unlocked_lanes = Lane.unscoped.filter(pk__in=calls).select_for_update(
        skip_locked=True, no_key=True, of=("self",)
    )
    lanes = list(unlocked_lanes.select_related("connection__tenant").order_by("pk"))
    before = {lane.pk: BreakerState.of(lane) for lane in lanes}
    for lane in lanes:
        state = breaker.score_calls(before[lane.pk], calls[lane.pk], now=now)
        for target in (lane, batches[lane.pk].lane):  # the rest of the batch reads it too
            vars(target).update(asdict(state))
    Lane.unscoped.bulk_update(lanes, BREAKER_COLUMNS)
    _record_breaker_changes(lanes, before, batches)
    for lane in lanes:
        apply_call_counts(lane.connection, lane, failure_texts.get(lane.pk, ""), now=now)
        _disable_or_warn(batches[lane.pk], BreakerState.of(lane), now=now)


def _count_calls(
    send_results: Sequence[SendResult], batches: Mapping[int, LaneBatch]
) -> dict[int, CallCounts]:
    """Return the calls of each lane with a failure, now or before."""
    lane_calls = [
        (send_result.batch.lane.pk, _count_call(send_result)) for send_result in send_results
    ]
    affected_ids = {pk for pk, call in lane_calls if call.down or call.failed}
    affected_ids |= {
        pk for pk, batch in batches.items() if not BreakerState.of(batch.lane).has_no_failures
    }
    calls: dict[int, CallCounts] = defaultdict(CallCounts)
    for pk, call in lane_calls:
        if pk in affected_ids:
            calls[pk] += call
    return calls


def _count_call(send_result: SendResult) -> CallCounts:
    kinds, response = {outcome.kind for outcome in send_result.outcomes}, send_result.response
    if kinds == {"delivered"} and response is not None and response.status < 500:
        return SUCCESSFUL_CALL
    failed = _find_failure(send_result) is not None
    if response is None:
        was_sent = send_result.error not in NOT_SENT_REASONS
        return CallCounts(down=was_sent, failed=failed and was_sent)
    is_free = any(outcome.costs_no_attempt for outcome in send_result.outcomes)
    is_down = response.status >= 500 and not is_free
    return CallCounts(
        up=not is_down and not is_free,
        down=is_down,
        succeeded=_has_arrived(send_result),
        failed=failed,
    )


def _find_failure(send_result: SendResult) -> Outcome | None:
    """Return the outcome for which this call counts as failed; None if it does not.

    At a customer's own endpoint every response outside 2xx except 429 counts. At other systems the
    rejection of a whole request counts, but not of one record, nor by a quota.
    """
    outcomes, response = send_result.outcomes, send_result.response
    if _has_arrived(send_result):
        return None
    if send_result.batch.connection.connector.is_own_endpoint and response is not None:
        failed = not 200 <= response.status < 300 and response.status != STATUS_THROTTLED
        return next(iter(outcomes), None) if failed else None
    is_down = response is None or response.status >= 500
    failure_kinds = FAILURE_KINDS | {"pending"} if is_down else FAILURE_KINDS
    refused = (outcome for outcome in outcomes if outcome.kind in failure_kinds)
    return next((outcome for outcome in refused if outcome.concerns == "system"), None)


def _has_arrived(send_result: SendResult) -> bool:
    """Return whether the system accepted or confirmed a message.

    A message also stays *pending* when the request for its confirmation fails: that is no success.
    """
    response = send_result.response
    is_answered = response is not None and response.status < 300
    accepted_kinds = {"delivered", "pending"} if is_answered else {"delivered"}
    return any(outcome.kind in accepted_kinds for outcome in send_result.outcomes)


def last_failure_texts(send_results: Sequence[SendResult]) -> dict[int, str]:
    """Return the redacted response text of each lane's last failed call."""
    failure_texts = {}
    for send_result in send_results:
        if (failure := _find_failure(send_result)) is not None:
            status = send_result.response.status if send_result.response else 0
            detail = redact_excerpt(failure.detail, MAX_DETAIL_LENGTH, send_result.batch.secrets)
            reason = f"status_{status}" if status >= 300 else failure.reason
            failure_texts[send_result.batch.lane.pk] = format_answer(reason, detail)
    return failure_texts


def _record_breaker_changes(
    lanes: Sequence[Lane], before: dict[int, BreakerState], batches: dict[int, LaneBatch]
) -> None:
    """Hold the lanes with a breaker that opened, and release those with a breaker that closed."""
    opened = [lane.pk for lane in lanes if lane.open_until and not before[lane.pk].is_open]
    closed = [lane.pk for lane in lanes if not lane.open_until and before[lane.pk].is_open]
    for pk in opened:
        batches[pk].progress.is_stopped = True
    if opened:
        Lane.unscoped.filter(pk__in=opened, hold_reason="").update(hold_reason=BREAKER)
    if closed:
        Lane.unscoped.filter(pk__in=closed, hold_reason=BREAKER).update(hold_reason="")


def _disable_or_warn(batch: LaneBatch, state: BreakerState, *, now: datetime) -> None:
    """Disable a connection on which every call has failed for days; send notices before."""
    disable_after, connection = settings.HUB_DISABLE_AFTER, batch.connection
    percent = breaker.find_due_disable_warning(state, disable_after=disable_after, now=now)
    if percent is None or state.failing_since is None:
        return
    since = f"{state.failing_since:%Y-%m-%d %H:%M} UTC"
    names = {"connection": str(connection), "since": since}
    if not breaker.has_failed_for(state, after=disable_after, now=now):
        names["disabled_on"] = f"{state.failing_since + disable_after:%Y-%m-%d %H:%M} UTC"
        occurrence = f"{connection.pk}:{since}:{percent}"
        _notify(connection, "failing", "failing", names, occurrence=occurrence, now=now)
    elif _disable_failing(connection, f"every attempt failed since {since}", now=now):
        batch.progress.is_stopped = True
        occurrence = f"{connection.pk}:{since}"
        _notify(
            connection, "disabled", "disabled_after_failures", names, occurrence=occurrence, now=now
        )


def _notify(
    connection: Connection,
    kind: str,
    message: str,
    parameters: Mapping[str, str],
    *,
    occurrence: str,
    now: datetime,
) -> None:
    create_notice(
        kind,
        message,
        parameters,
        occurrence=occurrence,
        now=now,
        tenant_id=connection.tenant_id,
        connection_id=connection.pk,
    )


def _disable_failing(connection: Connection, detail: str, *, now: datetime) -> bool:
    """Disable the connection; return False if its state does not allow it."""
    stored_connection = Connection.unscoped.get(pk=connection.pk)
    try:
        stored_connection.disable("failing", detail, now=now)
    except InvalidTransition:
        return False
    return True
