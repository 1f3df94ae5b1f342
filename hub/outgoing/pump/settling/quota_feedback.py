"""What answers say beside the deliveries: of quotas, and of the connection itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from connectors.http import Report
from connectors.outcomes import Outcome, clamp_wait
from hub.connections.models import Connection, QuotaQueue
from hub.connections.quotas.scopes import build_scope_key
from hub.crypto.redaction import redact_excerpt
from hub.db.state_machine import InvalidTransition
from hub.notices.notify import create_notice
from hub.outgoing.pump.types import LaneBatch, SendResult
from hub.queue import wake_up
from hub.throttle.feedback import QuotaReport, correct_quotas, pause_scope, reopen_scopes

MAX_DETAIL = 500  # characters
DEFAULT_PAUSE = (
    60.0  # seconds, where a system refuses for now, costs no attempt, and does not say for how long
)
CONNECTION_OUTCOMES = {
    "refresh",
    "reconnect",
    "disable",
}  # outcomes that are the whole connection's


def apply_feedback(send_results: Sequence[SendResult], *, now: datetime) -> None:
    """Pause what a 429 named, re-open what a probe found open, correct what headers report, turn connections."""
    probes: dict[str, datetime] = {}  # that came through, by scope
    for send_result in send_results:
        throttled = False
        for outcome in distinct_outcomes(send_result.outcomes):
            throttled = throttled or outcome.reason == "throttled" or bool(outcome.pauses)
            _pause_scopes(send_result, outcome, now=now)
            if outcome.kind in CONNECTION_OUTCOMES:
                _apply_connection_outcome(send_result.batch, outcome, now=now)
        probed_at = send_result.request.probed_at
        if probed_at is not None and send_result.response is not None and not throttled:
            probes |= dict.fromkeys(send_result.request.scope_keys, probed_at)
    if probes and (opened := reopen_scopes(probes)):
        QuotaQueue.reopen(opened, now=now)
    _apply_quota_reports(send_results, now=now)


def distinct_outcomes(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """One of each kind and reason: what they say of the connection is the same."""
    return list({(outcome.kind, outcome.reason): outcome for outcome in outcomes}.values())


def _pause_scopes(send_result: SendResult, outcome: Outcome, *, now: datetime) -> None:
    for key in paused_scope_keys(send_result.batch, outcome):
        pause_scope(
            key, until=pause_end(outcome, now=now), now=now, probed_at=send_result.request.probed_at
        )


def paused_scope_keys(batch: LaneBatch, outcome: Outcome) -> list[str]:
    return [build_scope_key(batch.connection, scope) for scope in outcome.pauses]


def pause_end(outcome: Outcome, *, now: datetime) -> datetime:
    return now + timedelta(seconds=DEFAULT_PAUSE if outcome.after is None else outcome.after)


def _apply_quota_reports(send_results: Sequence[SendResult], *, now: datetime) -> None:
    """The newest word on each scope counts."""
    reports = {
        build_scope_key(send_result.batch.connection, entry.scope): _build_quota_report(
            send_result.batch.connection, entry, now=now
        )
        for send_result in send_results
        if send_result.response is not None
        for entry in send_result.batch.connection.connector.parse_quota_reports(
            send_result.response
        )
    }
    correct_quotas(reports, now=now)


def _build_quota_report(connection: Connection, entry: Report, *, now: datetime) -> QuotaReport:
    seconds = clamp_wait(entry.resets_in)
    window_ends = None if seconds is None else now + timedelta(seconds=seconds)
    return QuotaReport(
        connection.connector.quota(entry.scope), entry.used, entry.limit, window_ends
    )


def _apply_connection_outcome(batch: LaneBatch, outcome: Outcome, *, now: datetime) -> None:
    """The connection's own state changes and holds its lane, unless somebody was first."""
    detail = redact_excerpt(outcome.detail, MAX_DETAIL, batch.secrets)
    connection = Connection.unscoped.select_related("credential").get(pk=batch.connection.pk)
    try:
        if outcome.kind == "refresh" and connection.connector.refreshes:
            if connection.credential.await_refresh(used=batch.credential_version, now=now):
                wake_up(f"refresh:{connection.pk}", now=now)
        elif outcome.kind == "disable":
            connection.disable(outcome.reason, detail, now=now)
            sentence = f"“{connection}” is disabled: it wants no more. What arrives for it is held until somebody enables it."
            about = f"{connection.pk}:{now:%Y-%m-%dT%H:%M:%S}"
            create_notice(
                "disabled",
                sentence,
                about=about,
                now=now,
                tenant_id=connection.tenant_id,
                connection_id=connection.pk,
            )
        else:
            connection.mark_needs_reconnect(outcome.reason, detail, now=now)
    except InvalidTransition:
        return
