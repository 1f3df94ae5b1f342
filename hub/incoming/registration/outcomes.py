"""Store the results of a check in subscriptions."""

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from connectors.outcomes import PERMISSION_MISSING, Outcome, clean_text
from connectors.webhook_sources import FoundSubscription
from hub.connections.credentials.provider_call import NOT_SENT_REASONS
from hub.incoming.models import WebhookSubscription
from hub.incoming.registration.source_gaps import update_gaps
from hub.notices.notify import create_notice, resolve_notices
from hub.reason_codes import REASONS

MAX_FAILURES = 1000
MAX_EXTERNAL_ID, MAX_EVIDENCE = 400, 500  # characters
SETTLED_STATES = ("verified", "manual")  # a repair that may still fail precedes the others
NOTICE_KIND = "webhooks_not_registered"
INSTALLATION_MOVED = "installation_moved"  # not confirmed
FAILED_CALL = "failed_call"  # of the evidence
# what a check stores; another process may have changed the other columns meanwhile
OBSERVED_COLUMNS = (
    "state",
    "state_changed_at",
    "reason",
    "detail",
    "evidence",
    "external_id",
    "failure_count",
    "checked_at",
    "verified_at",
    "expires_at",
)


def record_state(
    subscription: WebhookSubscription,
    state: str,
    registration: FoundSubscription | None,
    *,
    detail: str = "",
    cause: str = "",
    now: datetime,
) -> None:
    """Store the observed state, with the system's report as evidence.

    `registration` is None if the system reports nothing. `cause`: why its events may have been
    missed, which opens gaps; *verified* ends them.
    """
    if subscription.state != state:
        subscription.state, subscription.state_changed_at = state, now
    subscription.detail, subscription.reason = detail[:500], ""
    if state == "verified" and subscription.failure_count:
        resolve_registration_notice(subscription, now=now)
    subscription.checked_at = now
    if state in SETTLED_STATES:
        subscription.failure_count = 0
    if registration is not None:
        subscription.external_id = clean_text(registration.external_id, MAX_EXTERNAL_ID)
        subscription.evidence = clean_evidence(registration) or subscription.evidence
        subscription.expires_at = _read_expiry(registration)
    if state == "verified":
        subscription.evidence.pop(FAILED_CALL, None)
        subscription.verified_at = now
    elif state in ("gone", "expired"):
        subscription.external_id, subscription.expires_at = "", None
    _store_observation(subscription)
    update_gaps(subscription, cause, detail=detail, now=now)


def _read_expiry(registration: FoundSubscription) -> datetime | None:
    """Return the time of a system's report; None: never, or none that a calendar has."""
    try:
        return datetime.fromtimestamp(registration.expires_at or math.nan, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def clean_evidence(registration: FoundSubscription) -> dict[str, Any]:
    """Return the system's report without NUL and lone surrogates, as PostgreSQL refuses them."""
    return {
        name: value
        if value is None or isinstance(value, bool | int)
        else clean_text(value, MAX_EVIDENCE)
        for name, value in registration.evidence.items()
    }


def record_failure(
    subscription: WebhookSubscription, outcome: Outcome, *, exchange: str = "", now: datetime
) -> None:
    """Store why a check or a repair failed; what was verified before is *unconfirmed* then.

    `exchange`: the failed call with its response, without secrets, as evidence.
    """
    if exchange:
        subscription.evidence = {**subscription.evidence, FAILED_CALL: exchange}
    subscription.checked_at = now
    subscription.reason = outcome.reason[:40] or "unreachable"
    subscription.detail = outcome.detail[:500]
    if outcome.reason not in NOT_SENT_REASONS:  # ends by itself, and the registrations stay
        subscription.failure_count = min(subscription.failure_count + 1, MAX_FAILURES)
        _unconfirm(subscription, now=now)
    _store_observation(subscription)
    is_alerting = subscription.failure_count >= WebhookSubscription.ALERTING_FAILURES
    if is_alerting or subscription.reason == PERMISSION_MISSING:
        notify_registration_failure(subscription, now=now)


def record_move(
    subscriptions: Iterable[WebhookSubscription],
    registrations: Sequence[FoundSubscription],
    former_url: str,
    *,
    now: datetime,
) -> None:
    """Store the system's report of registrations that this installation may not change.

    This is not a failure, so no notice is sent to the tenant's people.
    """
    found = {entry.external_id: entry for entry in registrations}
    for subscription in subscriptions:
        registration = found.get(subscription.external_id)
        if registration is not None:
            subscription.evidence = clean_evidence(registration) or subscription.evidence
        subscription.reason, subscription.checked_at = INSTALLATION_MOVED, now
        _unconfirm(subscription, now=now)
        subscription.detail = f"{former_url} → {settings.HUB_PUBLIC_URL}"[:500]
        _store_observation(subscription)


def record_manual(subscriptions: Iterable[WebhookSubscription], *, now: datetime) -> None:
    """Store that only a person can register these; unwanted ones are deleted."""
    for subscription in subscriptions:
        if not subscription.is_wanted:
            subscription.delete()
            continue
        record_state(subscription, "manual", None, now=now)


def _unconfirm(subscription: WebhookSubscription, *, now: datetime) -> None:
    if subscription.state == "verified":
        subscription.state, subscription.state_changed_at = "unconfirmed", now


def _store_observation(subscription: WebhookSubscription) -> None:
    values = {name: getattr(subscription, name) for name in OBSERVED_COLUMNS}
    WebhookSubscription.unscoped.filter(pk=subscription.pk).update(**values)


def notify_registration_failure(subscription: WebhookSubscription, *, now: datetime) -> None:
    """Create the notice that the webhooks of an endpoint cannot be registered, once a day."""
    endpoint = subscription.endpoint
    connection, system = endpoint.connection, str(endpoint.connector.label)
    create_notice(
        NOTICE_KIND,
        NOTICE_KIND,
        {"connection": connection.name if connection else system, "system": system},
        occurrence=f"{endpoint.pk}:{now:%Y-%m-%d}",
        tenant_id=endpoint.tenant_id,
        connection_id=connection.pk if connection else None,
        reason=subscription.reason if subscription.reason in REASONS else "",
        now=now,
    )


def resolve_registration_notice(subscription: WebhookSubscription, *, now: datetime) -> None:
    """Resolve the notice of a connection, unless another of its registrations still fails."""
    connection_id = subscription.endpoint.connection_id
    others = WebhookSubscription.unscoped.filter(
        endpoint=subscription.endpoint, is_wanted=True, failure_count__gt=0
    ).exclude(pk=subscription.pk)
    if connection_id is not None and not others.exists():
        resolve_notices(NOTICE_KIND, connection_id=connection_id, now=now)
