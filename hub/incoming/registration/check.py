"""Check the registrations of one endpoint, and bring them to the wanted state."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction

from connectors.outcomes import PERMISSION_MISSING, Outcome, later, never
from connectors.webhook_sources import (
    FoundSubscription,
    Subscriptions,
    WantedSubscription,
)
from hub.connections.credentials.connector_context import find_connector_app, open_credential
from hub.connections.credentials.provider_call import Call, ExchangeKeeper, Patience
from hub.connections.models import Connection
from hub.crypto.sealed import CannotOpen
from hub.db.clock import Clock
from hub.db.outages import DATABASE_ERRORS
from hub.incoming.endpoints.rotate import end_overlap_of_registered
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.incoming.registration.calls import RegistrationCalls
from hub.incoming.registration.changes import apply_comparison
from hub.incoming.registration.compare import Comparison, compare_subscriptions
from hub.incoming.registration.outcomes import record_failure, record_state
from hub.incoming.registration.own_urls import list_endpoint_secrets, list_other_urls
from hub.incoming.registration.wanted import (
    build_wanted_subscriptions,
    list_missing_permissions,
    plan_subscriptions,
)

log = structlog.get_logger(__name__)

CHECK_CLAIM = timedelta(seconds=60)  # no other task checks the endpoint meanwhile
RETRY_AFTER, RETRY_AFTER_MAX = timedelta(seconds=30), timedelta(hours=1)
HELD_RECHECK_DELAY = timedelta(minutes=5)  # of a connection that may not be called now
QUOTA_PATIENCE = timedelta(seconds=3)  # with a spent quota
INTERVAL_SPREAD_SHARE = 0.1  # of the interval, so that checks do not coincide
HOOKS_PATH = "/hooks/"
INTERNAL_ERROR = "internal_error"


def claim_check(endpoint: InboundEndpoint, *, now: datetime) -> bool:
    """Claim the due check of an endpoint; False if another task has."""
    due = InboundEndpoint.unscoped.filter(pk=endpoint.pk, next_check_at__lte=now)
    return bool(due.update(next_check_at=now + CHECK_CLAIM))


@dataclass(frozen=True, slots=True)
class RegistrationCheckContext:
    """What a check uses of the outside: the network, the clock, waiting and randomness.

    `low_priority`: its calls keep to the share of background work.
    """

    call: Call
    clock: Clock
    sleep: Callable[[float], object]
    random: Callable[[], float]
    low_priority: bool = True


def extend_claim(endpoint: InboundEndpoint, *, now: datetime) -> None:
    """Keep the claim of a check that goes on, unless another one was requested during it."""
    claimed = InboundEndpoint.unscoped.filter(pk=endpoint.pk, next_check_at__gt=now)
    claimed.update(next_check_at=now + CHECK_CLAIM)


def check_endpoint(endpoint: InboundEndpoint, context: RegistrationCheckContext) -> None:
    """Compare an endpoint's registrations with what its routes want, and change what differs.

    Nothing is written at the system if all is as wanted. No transaction may be open: the system is
    called.
    """
    now, random = context.clock(), context.random
    with transaction.atomic():
        existing = plan_subscriptions(endpoint, now=now)
    subscriptions, connection = endpoint.connector.subscriptions, endpoint.connection
    if subscriptions is None or subscriptions.is_manual or connection is None:
        _record_manual(existing.values(), now=now)
        _schedule(endpoint, _check_interval(subscriptions), now=now, random=random)
        return
    if connection.state in ("paused", "disabled", "needs_reconnect"):
        _schedule(endpoint, HELD_RECHECK_DELAY, now=now, random=random)
        return
    try:
        failed = _correct_registrations(endpoint, connection, subscriptions, existing, context)
    except DATABASE_ERRORS:
        raise
    except Exception:
        log.exception("incoming.check_failed", endpoint=str(endpoint.public_id))
        failed = _record_all(existing.values(), later(INTERNAL_ERROR), now=context.clock())
    wait = _find_wait(failed, subscriptions, existing.values())
    _schedule(endpoint, wait, now=context.clock(), random=random)


def _find_wait(
    failed: Outcome | None, subscriptions: Subscriptions, existing: Iterable[WebhookSubscription]
) -> timedelta:
    """Return the time until the next check: longer with each failure in a row."""
    if failed is None:
        return _check_interval(subscriptions)
    count = max((entry.failure_count for entry in existing), default=1)
    wait: timedelta = min(RETRY_AFTER * 2 ** min(count, 10), RETRY_AFTER_MAX)
    return max(wait, timedelta(seconds=failed.after or 0))


def _correct_registrations(
    endpoint: InboundEndpoint,
    connection: Connection,
    subscriptions: Subscriptions,
    existing: Mapping[str, WebhookSubscription],
    context: RegistrationCheckContext,
) -> Outcome | None:
    """List, compare and change; return the Outcome of what failed first."""
    now = context.clock()
    if not existing:
        return None
    try:
        calls = _open_calls(endpoint, connection, subscriptions, context)
        targets = build_wanted_subscriptions(endpoint, subscriptions, existing)
        document = endpoint.open()
    except CannotOpen:
        return _record_all(existing.values(), never("credential_unreadable"), now=now)
    if missing := list_missing_permissions(connection, subscriptions):
        outcome = never(PERMISSION_MISSING, ", ".join(missing))
        return _record_all(existing.values(), outcome, now=now)
    registrations = calls.list_all()
    if isinstance(registrations, Outcome):
        request_refresh_if_rejected(connection, registrations, now=now)
        exchange = calls.describe_last_exchange()
        return _record_all(existing.values(), registrations, exchange=exchange, now=now)
    comparison = _compare(endpoint, subscriptions, targets, registrations, existing)
    failed = apply_comparison(calls, comparison, targets, existing, now=now)
    if all(existing[entry.key].state == "verified" for entry in targets):
        end_overlap_of_registered(endpoint, document, now=now)
    return failed


def _open_calls(
    endpoint: InboundEndpoint,
    connection: Connection,
    subscriptions: Subscriptions,
    context: RegistrationCheckContext,
) -> RegistrationCalls:
    """Prepare the calls with the stored credential. Raises CannotOpen."""
    return RegistrationCalls(
        connection,
        subscriptions,
        open_credential(connection, find_connector_app(connection.connector_key)),
        ExchangeKeeper(context.call),
        context.clock,
        Patience(QUOTA_PATIENCE, context.sleep),
        list_endpoint_secrets(endpoint),
        low_priority=context.low_priority,
    )


def _compare(
    endpoint: InboundEndpoint,
    subscriptions: Subscriptions,
    targets: Sequence[WantedSubscription],
    registrations: Sequence[FoundSubscription],
    existing: Mapping[str, WebhookSubscription],
) -> Comparison:
    """Compare what is wanted with what the system has; without the URLs of others no orphans."""
    other_urls, are_others_known = list_other_urls(endpoint)
    comparison = compare_subscriptions(
        subscriptions,
        targets,
        registrations,
        external_ids={key: entry.external_id for key, entry in existing.items()},
        own_prefix=f"{settings.HUB_PUBLIC_URL}{HOOKS_PATH}",
        foreign_urls=other_urls,
    )
    if not are_others_known:
        comparison.orphans.clear()
    return comparison


def request_refresh_if_rejected(connection: Connection, outcome: Outcome, *, now: datetime) -> None:
    """Have the access token refreshed if the system rejected it."""
    credential = getattr(connection, "credential", None)
    if outcome.kind == "refresh" and credential is not None:
        credential.await_refresh(used=credential.version, now=now)


def _record_all(
    subscriptions: Iterable[WebhookSubscription],
    outcome: Outcome,
    *,
    exchange: str = "",
    now: datetime,
) -> Outcome:
    """Store the failure of a whole check; return it."""
    for subscription in subscriptions:
        record_failure(subscription, outcome, exchange=exchange, now=now)
    return outcome


def _record_manual(subscriptions: Iterable[WebhookSubscription], *, now: datetime) -> None:
    """Store that only a person can register these; those that nothing wants are deleted."""
    for subscription in subscriptions:
        if not subscription.is_wanted:
            subscription.delete()
            continue
        record_state(subscription, "manual", None, now=now)


def _check_interval(subscriptions: Subscriptions | None) -> timedelta:
    override = settings.HUB_SUBSCRIPTION_CHECK_SECONDS
    seconds = subscriptions.check_every if subscriptions else 3600.0
    return timedelta(seconds=override or seconds)


def _schedule(
    endpoint: InboundEndpoint, wait: timedelta, *, now: datetime, random: Callable[[], float]
) -> None:
    """Set the time of the next check, unless another one was requested during this one."""
    spread = 1 + INTERVAL_SPREAD_SHARE * (random() - 0.5)
    claimed = InboundEndpoint.unscoped.filter(pk=endpoint.pk, next_check_at__gt=now)
    claimed.update(next_check_at=now + wait * spread)
