"""Compare what a listing does not say: the details of registrations, each read by calls of its own.

A registration is read where the system says that it has changed since, and now and then anyway.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from connectors.outcomes import Outcome
from connectors.webhook_sources import FoundSubscription, WantedSubscription
from hub.incoming.models import WebhookSubscription
from hub.incoming.registration.calls import LeaseTransaction, RegistrationCalls
from hub.incoming.registration.compare import Comparison
from hub.incoming.registration.outcomes import record_failure, record_state

REVISION, READ_AT = "revision", "details_read_at"  # of the evidence


def select_unread(
    comparison: Comparison,
    existing: Mapping[str, WebhookSubscription],
    *,
    read_every: float,
    now: datetime,
) -> None:
    """Move registrations from `verified` to `unread` whose details are not known as they are now.

    `read_every`: seconds after which details are read again without a sign of a change.
    """
    for key, match in list(comparison.verified.items()):
        subscription = existing[key]
        is_changed = subscription.evidence.get(REVISION) != match.revision
        read_at = _parse_time(subscription.evidence.get(READ_AT))
        is_old = read_at is not None and now - read_at >= timedelta(seconds=read_every)
        if read_at is None or is_changed or is_old or subscription.state != "verified":
            comparison.unread[key] = comparison.verified.pop(key)
        else:
            comparison.verified[key] = _note_reading(match, read_at)


def read_unread(
    calls: RegistrationCalls,
    comparison: Comparison,
    targets: Sequence[WantedSubscription],
    existing: Mapping[str, WebhookSubscription],
    *,
    in_transaction: LeaseTransaction,
    now: datetime,
) -> None:
    """Read the details that are not known; what differs is in `drifted` then.

    Raises RegistrationLeaseLost and TimeSliceEnded.
    """
    by_key = {entry.key: entry for entry in targets}
    for key, match in list(comparison.unread.items()):
        found = calls.read_details(match)
        if isinstance(found, Outcome):
            calls.progress.record_failures([found])
            with in_transaction():
                record_failure(existing[key], found, now=now)
        elif differences := calls.subscriptions.find_differences(by_key[key], found):
            comparison.drifted[key] = (found, differences)
        else:
            with in_transaction():
                record_state(existing[key], "verified", _note_reading(found, now), now=now)
        del comparison.unread[key]


def _note_reading(registration: FoundSubscription, read_at: datetime) -> FoundSubscription:
    """Return a registration whose evidence says which revision was read, and when."""
    reading = {REVISION: registration.revision, READ_AT: read_at.isoformat()}
    return replace(registration, evidence={**registration.evidence, **reading})


def _parse_time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
