"""Store what a check found out about a subscription."""

from datetime import datetime

from connectors.outcomes import Outcome
from connectors.webhook_subscriptions import FoundSubscription
from hub.incoming.models import WebhookSubscription

MAX_FAILURES = 1000


def record_state(
    subscription: WebhookSubscription,
    state: str,
    found: FoundSubscription | None,
    *,
    detail: str = "",
    now: datetime,
) -> None:
    """Store the observed state, with the system's report as evidence.

    `found` is None if the system reports nothing.
    """
    if subscription.state != state:
        subscription.state, subscription.state_changed_at = state, now
    subscription.detail, subscription.reason = detail[:500], ""
    subscription.checked_at, subscription.failure_count = now, 0
    if found is not None:
        subscription.external_id = found.external_id[:400]
        subscription.evidence = dict(found.evidence) or subscription.evidence
    elif state == "gone":
        subscription.external_id = ""
    if state == "verified":
        subscription.verified_at = now
    subscription.save()


def record_failure(subscription: WebhookSubscription, outcome: Outcome, *, now: datetime) -> None:
    """Store why a check or a repair failed; the observed state stays as it was."""
    subscription.checked_at = now
    subscription.reason = outcome.reason[:40] or "unreachable"
    subscription.detail = outcome.detail[:500]
    subscription.failure_count = min(subscription.failure_count + 1, MAX_FAILURES)
    subscription.save()
