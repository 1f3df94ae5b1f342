"""Quota feedback of responses: pauses after a 429, scopes found open, budgets in headers."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from connectors.outcomes import Outcome
from hub.connections.models import QuotaQueue
from hub.connections.quotas.metered_call import PAUSE_WITHOUT_RETRY_AFTER
from hub.connections.quotas.scopes import build_scope_key, parse_quota_reports
from hub.outgoing.pump.types import LaneBatch, SendResult
from hub.throttle.feedback import QuotaReport, correct_quotas, pause_scope, reopen_scopes


def apply_feedback(send_results: Sequence[SendResult], *, now: datetime) -> None:
    """Pause the scopes of a 429, reopen scopes found open, and apply reported budgets."""
    probes: dict[str, datetime] = {}  # successful ones by scope: when the probe was sent
    for send_result in send_results:
        is_throttled = False
        for outcome in send_result.distinct_outcomes():
            is_throttled = (
                is_throttled or outcome.reason == "throttled" or bool(outcome.paused_scopes)
            )
            _pause_scopes(send_result, outcome, now=now)
        probed_at = send_result.probed_at
        if probed_at is not None and send_result.response is not None and not is_throttled:
            probes |= dict.fromkeys(send_result.request.scope_keys, probed_at)
    if probes and (opened := reopen_scopes(probes)):
        QuotaQueue.reopen(opened, now=now)
    _apply_quota_reports(send_results, now=now)


def _pause_scopes(send_result: SendResult, outcome: Outcome, *, now: datetime) -> None:
    until, probed_at = pause_end(outcome, now=now), send_result.probed_at
    for key in paused_scope_keys(send_result.batch, outcome):
        pause_scope(key, until=until, now=now, probed_at=probed_at)


def paused_scope_keys(batch: LaneBatch, outcome: Outcome) -> list[str]:
    """Return the keys of the scopes that an outcome pauses."""
    return [build_scope_key(batch.connection, scope) for scope in outcome.paused_scopes]


def pause_end(outcome: Outcome, *, now: datetime) -> datetime:
    wait = None if outcome.after is None else timedelta(seconds=outcome.after)
    return now + (PAUSE_WITHOUT_RETRY_AFTER if wait is None else wait)


def _apply_quota_reports(send_results: Sequence[SendResult], *, now: datetime) -> None:
    """Correct each budget by its last report."""
    reports: dict[str, QuotaReport] = {}
    for send_result in send_results:
        if send_result.response is None:
            continue
        connection = send_result.batch.connection
        reports |= parse_quota_reports(connection, send_result.response, now=now)
    correct_quotas(reports, now=now)
