"""Quota feedback of responses: pauses after a 429, scopes found open, budgets in headers."""

from collections.abc import Sequence
from datetime import datetime

from hub.connections.calls.reserved_call import pause_quotas
from hub.connections.models import QuotaQueue
from hub.connections.quotas.scopes import parse_quota_reports
from hub.outgoing.pump.types import SendResult
from hub.throttle.feedback import QuotaReport, correct_quotas, reopen_scopes


def apply_feedback(send_results: Sequence[SendResult], *, now: datetime) -> None:
    """Pause the scopes of a 429, reopen scopes found open, and apply reported budgets."""
    probes: dict[str, datetime] = {}  # successful ones by scope: when the probe was sent
    for send_result in send_results:
        connection, probed_at = send_result.batch.connection, send_result.probed_at
        is_throttled = False
        for outcome in send_result.distinct_outcomes():
            is_throttled = (
                is_throttled or outcome.reason == "throttled" or bool(outcome.paused_scopes)
            )
            pause_quotas(connection, outcome, probed_at=probed_at, now=now)
        if probed_at is not None and send_result.response is not None and not is_throttled:
            probes |= dict.fromkeys(send_result.request.scope_keys, probed_at)
    if probes and (opened := reopen_scopes(probes)):
        QuotaQueue.reopen(opened, now=now)
    _apply_quota_reports(send_results, now=now)


def _apply_quota_reports(send_results: Sequence[SendResult], *, now: datetime) -> None:
    """Correct each budget by its last report."""
    reports: dict[str, QuotaReport] = {}
    for send_result in send_results:
        if send_result.response is None:
            continue
        connection = send_result.batch.connection
        reports |= parse_quota_reports(connection, send_result.response, now=now)
    correct_quotas(reports, now=now)
