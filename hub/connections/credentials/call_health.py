"""Mark connections as degraded while their calls fail, and as healthy again.

The pump counts calls on the lane when it settles them; liveness checks and the sweep follow the
same rule.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from connectors.registry import CONNECTORS
from hub.connections import notifications
from hub.connections.credentials.refresh_result import (
    FURTHER_TOKEN_ENDED,
    REFRESH_FAILING,
    is_state_from_refresh,
)
from hub.connections.models import (
    BREAKER,
    CALL_REASONS,
    CALLS_FAILING,
    ENDPOINT_REFUSES,
    Connection,
    Lane,
)

FAILED_CALLS_IN_A_ROW = 3
ONLY_FAILURES_FOR = timedelta(seconds=60)
CONNECTIONS_AT_ONCE = 200  # connections at a time
# first digits of the statuses that only the endpoint's operator can change
ENDPOINT_REFUSALS = ("3", "4")


def is_failing(failed_calls: int, failing_since: datetime | None, *, now: datetime) -> bool:
    """Whether three calls in a row failed, or all calls of a minute."""
    if failing_since is None:
        return False
    return failed_calls >= FAILED_CALLS_IN_A_ROW or now - failing_since >= ONLY_FAILURES_FOR


def _find_failing_reason(connection: Connection, lane: Lane, answer: str, *, now: datetime) -> str:
    """Return the reason why failing calls degrade the connection; empty if they do not."""
    if lane.open_until is not None:
        return BREAKER
    if not is_failing(lane.failed_calls, lane.failing_since, now=now):
        return ""
    refused = connection.connector.is_own_endpoint and answer.startswith(ENDPOINT_REFUSALS)
    return ENDPOINT_REFUSES if refused else CALLS_FAILING


def apply_call_counts(connection: Connection, lane: Lane, answer: str, *, now: datetime) -> None:
    """Change the connection's state by its lane's counts of failed calls.

    `answer`: the last failed response, or empty. One statement if the state, its reason or the kind
    of response changes, none otherwise.
    """
    reason = _find_failing_reason(connection, lane, answer or connection.detail, now=now)
    if not reason:
        _recover_from_failing_calls(connection, lane, now=now)
    elif connection.state in ("healthy", "silent"):
        since = lane.failing_since or now
        if _update_connection_state(
            connection, state="degraded", reason=reason, detail=answer[:500], state_changed_at=since
        ):
            notifications.notify_calls_failing(connection, now=now)
    elif connection.state == "degraded" and connection.reason in CALL_REASONS:
        other_answer = answer and _extract_answer_code(answer) != _extract_answer_code(
            connection.detail
        )
        if reason != connection.reason or other_answer:
            _update_connection_state(
                connection, reason=reason, detail=(answer or connection.detail)[:500]
            )


def _recover_from_failing_calls(connection: Connection, lane: Lane, *, now: datetime) -> None:
    """Mark a connection healthy that failed calls or checks had degraded."""
    by_checks = connection.checks_failed and connection.reason not in (
        REFRESH_FAILING,
        FURTHER_TOKEN_ENDED,
    )
    if connection.state != "degraded" or lane.failing_since is not None:
        return
    if connection.reason in CALL_REASONS or by_checks:
        healthy = {
            "state": "healthy",
            "reason": "",
            "detail": "",
            "state_changed_at": now,
            "checks_failed": 0,
        }
        if _update_connection_state(connection, **healthy):
            notifications.resolve_calls_failing(connection, now=now)


def is_failure_unresolved(connection: Connection) -> bool:
    """Return whether the problem persists although a check passed: other calls or a refresh failed,
    or nothing is received, which no call proves.

    If deliveries wait after failed attempts, the next attempt decides; otherwise the check does.
    """
    if is_state_from_refresh(connection) or connection.state == "silent":
        return True
    if connection.reason not in CALL_REASONS or connection.connector.is_own_endpoint:
        return False
    return connection.deliveries.filter(state="waiting", attempt_count__gt=0).exists()


def _update_connection_state(connection: Connection, **changes: Any) -> bool:
    """Update the row and the object, if the row still has the state and reason of the object."""
    connections = Connection.unscoped.filter(
        pk=connection.pk, state=connection.state, reason=connection.reason
    )
    if not connections.update(**changes):
        return False
    vars(connection).update(changes)
    return True


def _extract_answer_code(answer: str) -> str:
    """Return the status or code of a response, without its text."""
    return answer.partition(":")[0]


def degrade_failing_connections(*, now: datetime) -> None:
    """Degrade healthy connections whose calls have all failed for a minute.

    The sweep calls this function, because pumps change the state only of connections that they
    serve.
    """
    installed = Q(connection__connector_key__in=list(CONNECTORS))
    due = installed & Q(failing_since__lte=now - ONLY_FAILURES_FOR, connection__state="healthy")
    lanes = Lane.unscoped.filter(due).select_related("connection__tenant").order_by("failing_since")
    for lane in lanes[:CONNECTIONS_AT_ONCE]:
        apply_call_counts(lane.connection, lane, _find_last_answer(lane.connection), now=now)


def _find_last_answer(connection: Connection) -> str:
    """Return the response to the newest delivery that waits after a failed attempt."""
    tried = connection.deliveries.filter(state="waiting", attempt_count__gt=0)
    newest = max(
        tried.order_by("due_at")[:CONNECTIONS_AT_ONCE],
        key=lambda delivery: delivery.state_changed_at,
        default=None,
    )
    return format_answer(newest.reason, newest.detail) if newest else ""


def format_answer(reason: str, detail: str) -> str:
    """Format a reason code and the system's own text, such as `503: try later`."""
    code = reason.removeprefix("status_").replace("_", " ")
    return f"{code}: {detail}" if detail and detail != reason else code
