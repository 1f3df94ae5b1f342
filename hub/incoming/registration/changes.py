"""Create, repair and remove registrations, by the result of a comparison."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from connectors.outcomes import Outcome
from connectors.webhook_sources import (
    BANNED,
    INACTIVE,
    NOT_SUPPORTED,
    ONLY_BY_HAND,
    FoundSubscription,
    WantedSubscription,
)
from hub.incoming.models import WebhookSubscription
from hub.incoming.registration.calls import LeaseTransaction, RegistrationCalls
from hub.incoming.registration.compare import EXPIRING, Comparison
from hub.incoming.registration.details import read_unread
from hub.incoming.registration.outcomes import record_failure, record_state
from hub.incoming.registration.source_gaps import name_cause

log = structlog.get_logger(__name__)

BAN_REPAIR_DELAY = timedelta(hours=1)  # between two webhooks that replace a banned one
UNSUPPORTED_RECHECK_DELAY = timedelta(days=1)
# what is not a failure: the state that a step leaves by its reason
FINAL_STATES = {ONLY_BY_HAND: "manual", NOT_SUPPORTED: "unsupported"}


def apply_comparison(
    calls: RegistrationCalls,
    comparison: Comparison,
    targets: Sequence[WantedSubscription],
    existing: Mapping[str, WebhookSubscription],
    *,
    in_transaction: LeaseTransaction,
    now: datetime,
) -> Outcome | None:
    """Create, repair and remove; return the Outcome of the first failure.

    What is done leaves the comparison, so that another time slice makes what is left. The results
    are stored under `in_transaction()`. Raises RegistrationLeaseLost and TimeSliceEnded.
    """
    progress = calls.progress
    by_key = {entry.key: entry for entry in targets}
    with in_transaction():
        for key, match in comparison.verified.items():
            record_state(existing[key], "verified", match, now=now)
    comparison.verified.clear()
    read_unread(calls, comparison, targets, existing, in_transaction=in_transaction, now=now)
    for key, (match, differences) in list(comparison.drifted.items()):
        failures = _repair(
            calls,
            by_key[key],
            existing[key],
            match,
            differences,
            in_transaction=in_transaction,
            now=now,
        )
        progress.record_failures(failures)
        del comparison.drifted[key]
    for entry in list(comparison.missing):
        subscription = existing[entry.key]
        if calls.low_priority and _is_known_to_be_unsupported(subscription, now):
            comparison.missing.remove(entry)
            continue
        if subscription.external_id:
            with in_transaction():
                state = _name_absence(subscription, now)
                record_state(subscription, state, None, cause=state, now=now)
        result = calls.create(entry)
        with in_transaction():
            progress.record_failures(_record(subscription, calls, result))
        comparison.missing.remove(entry)
    _remove_unwanted(calls, comparison.orphans, existing, in_transaction=in_transaction)
    return progress.failure


def _is_known_to_be_unsupported(subscription: WebhookSubscription, now: datetime) -> bool:
    """Return whether the system has refused it for good within a day; a person may ask again."""
    checked_at = subscription.checked_at
    is_recent = checked_at is not None and now - checked_at < UNSUPPORTED_RECHECK_DELAY
    return subscription.state == "unsupported" and is_recent


def _name_absence(subscription: WebhookSubscription, now: datetime) -> str:
    """Return the state of one that the system has no more."""
    end = subscription.expires_at
    return "expired" if end is not None and end <= now else "gone"


def _repair(
    calls: RegistrationCalls,
    wanted: WantedSubscription,
    subscription: WebhookSubscription,
    match: FoundSubscription,
    differences: Sequence[str],
    *,
    in_transaction: LeaseTransaction,
    now: datetime,
) -> list[Outcome]:
    """Repair a registration that differs or expires soon; return the Outcome if that fails.

    One that only a person can activate is not repaired again, nor one that is banned again within
    an hour: a ban ends by itself.
    """
    is_manual = subscription.state == "manual" and differences == (INACTIVE,)
    is_new_ban = BANNED in differences and now - subscription.state_changed_at < BAN_REPAIR_DELAY
    detail = subscription.detail if is_manual else ", ".join(differences)
    if differences != (EXPIRING,):
        with in_transaction():
            state = "manual" if is_manual else "drifted"
            cause = "" if is_manual else name_cause(subscription, match, differences)
            record_state(subscription, state, match, detail=detail, cause=cause, now=now)
    if is_manual or is_new_ban:
        return []
    result = calls.repair(wanted, match)
    with in_transaction():
        return _record(subscription, calls, result)


def _record(
    subscription: WebhookSubscription,
    calls: RegistrationCalls,
    result: Mapping[str, str] | Outcome,
) -> list[Outcome]:
    """Record the result of a change; return it if it is a failure.

    A step that the system leaves to a person, or does not have, is not a failure: the subscription
    becomes *manual* or *unsupported*. Its time is that after the calls: before it, nothing was
    registered.
    """
    now = calls.time_slice.clock()
    if isinstance(result, Outcome) and (state := FINAL_STATES.get(result.reason)):
        record_state(subscription, state, None, detail=result.detail, now=now)
        return []
    if isinstance(result, Outcome):
        exchange = calls.describe_last_exchange()
        record_failure(subscription, result, exchange=exchange, now=now)
        return [result]
    registration = FoundSubscription(
        calls.subscriptions.join_ids(result) or subscription.external_id,
        "",
        expires_at=calls.subscriptions.find_expiry(result),
    )
    record_state(subscription, "verified", registration, now=now)
    return []


def _remove_unwanted(
    calls: RegistrationCalls,
    orphans: list[FoundSubscription],
    existing: Mapping[str, WebhookSubscription],
    *,
    in_transaction: LeaseTransaction,
) -> None:
    """Remove our unwanted registrations, and the rows of those that are removed.

    If the system refuses a removal, it is tried again at the next regular check.
    """
    not_removed = calls.progress.not_removed
    for orphan in list(orphans):
        outcome = calls.remove(orphan.external_id)
        if outcome is not None:
            not_removed.append(orphan.external_id)
            log.warning("incoming.orphan_not_removed", reason=outcome.reason)
        orphans.remove(orphan)
    with in_transaction():
        for subscription in existing.values():
            if not subscription.is_wanted and subscription.external_id not in not_removed:
                subscription.delete()
