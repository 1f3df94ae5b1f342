"""Check the registrations of one endpoint, and bring them to the wanted state."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction

from connectors.outcomes import PERMISSION_MISSING, Outcome
from connectors.webhook_subscriptions import (
    ONLY_BY_HAND,
    FoundSubscription,
    Subscriptions,
    WantedSubscription,
)
from hub.connections.credentials.connector_context import find_connector_app, open_credential
from hub.connections.credentials.provider_call import Call, Patience
from hub.connections.models import Connection
from hub.crypto.sealed import CannotOpen
from hub.db.clock import Clock
from hub.incoming.endpoints.create import endpoint_url, endpoint_urls
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.incoming.registration.calls import RegistrationCalls
from hub.incoming.registration.compare import Comparison, compare_subscriptions
from hub.incoming.registration.outcomes import record_failure, record_state
from hub.incoming.registration.wanted import plan_subscriptions

log = structlog.get_logger(__name__)

CLAIM = timedelta(seconds=60)  # no other task checks the endpoint meanwhile
RETRY_AFTER, RETRY_AFTER_MAX = timedelta(seconds=30), timedelta(hours=1)
HELD_RECHECK = timedelta(minutes=5)  # of a connection that may not be called now
PATIENCE = timedelta(seconds=3)  # with a spent quota
SPREAD = 0.1  # of the interval, so that checks do not coincide
HOOKS_PATH = "/hooks/"
INACTIVE = "inactive"  # one of the differences


def claim_check(endpoint: InboundEndpoint, *, now: datetime) -> bool:
    """Claim the due check of an endpoint; False if another task has."""
    due = InboundEndpoint.unscoped.filter(pk=endpoint.pk, next_check_at__lte=now)
    return bool(due.update(next_check_at=now + CLAIM))


@dataclass(frozen=True, slots=True)
class CheckTools:
    """What a check uses of the outside: the network, the clock, waiting and randomness."""

    call: Call
    clock: Clock
    sleep: Callable[[float], object]
    random: Callable[[], float]


def check_endpoint(endpoint: InboundEndpoint, tools: CheckTools) -> None:
    """Compare an endpoint's registrations with what its routes want, and change what differs.

    Nothing is written at the system if all is as wanted. No transaction may be open: the system is
    called.
    """
    now, random = tools.clock(), tools.random
    with transaction.atomic():
        existing = plan_subscriptions(endpoint, now=now)
    subscriptions, connection = endpoint.connector.subscriptions, endpoint.connection
    if subscriptions is None or subscriptions.is_manual or connection is None:
        _record_manual(existing.values(), now=now)
        _schedule(endpoint, _check_interval(subscriptions), now=now, random=random)
        return
    if connection.state in ("paused", "disabled", "needs_reconnect"):
        _schedule(endpoint, HELD_RECHECK, now=now, random=random)
        return
    failed = _reconcile(endpoint, connection, subscriptions, existing, tools)
    now = tools.clock()
    if failed is None:
        _schedule(endpoint, _check_interval(subscriptions), now=now, random=random)
    else:
        count = max((entry.failure_count for entry in existing.values()), default=1)
        wait = min(RETRY_AFTER * 2 ** min(count, 10), RETRY_AFTER_MAX)
        after = timedelta(seconds=failed.after or 0)
        _schedule(endpoint, max(wait, after), now=now, random=random)


def _reconcile(
    endpoint: InboundEndpoint,
    connection: Connection,
    subscriptions: Subscriptions,
    existing: Mapping[str, WebhookSubscription],
    tools: CheckTools,
) -> Outcome | None:
    """List, compare and change; return the Outcome of what failed first."""
    now = tools.clock()
    try:
        credential = open_credential(connection, find_connector_app(connection.connector_key))
        wanted = build_wanted(endpoint, subscriptions, existing)
    except CannotOpen:
        return _record_all(existing.values(), Outcome("never", "credential_unreadable"), now=now)
    if not existing:
        return None
    if missing := connection_lacks(connection, subscriptions):
        outcome = Outcome("never", PERMISSION_MISSING, ", ".join(missing))
        return _record_all(existing.values(), outcome, now=now)
    patience = Patience(PATIENCE, tools.sleep)
    calls = RegistrationCalls(
        connection,
        subscriptions,
        credential,
        tools.call,
        tools.clock,
        patience,
        list_endpoint_secrets(endpoint),
    )
    found = calls.list_all()
    if isinstance(found, Outcome):
        request_refresh_if_rejected(connection, found, now=now)
        return _record_all(existing.values(), found, now=now)
    other_urls, are_others_known = list_other_urls(endpoint)
    comparison = compare_subscriptions(
        subscriptions,
        wanted,
        found,
        external_ids={key: entry.external_id for key, entry in existing.items()},
        own_prefix=f"{settings.HUB_PUBLIC_URL}{HOOKS_PATH}",
        foreign_urls=other_urls,
    )
    if not are_others_known:
        comparison.orphans.clear()
    return _apply(calls, comparison, wanted, existing, now=now)


def build_wanted(
    endpoint: InboundEndpoint,
    subscriptions: Subscriptions,
    existing: Mapping[str, WebhookSubscription],
) -> list[WantedSubscription]:
    """Build the wanted registrations. Raises CannotOpen."""
    document, url = endpoint.open(), endpoint_url(endpoint)
    secret = next((entry["secret"] for entry in document.get("secrets") or ()), "")
    return [
        WantedSubscription(
            key=entry.key,
            event_types=tuple(entry.event_types),
            url=subscriptions.url_for(url, entry.key),
            secret=secret,
            secret_version=entry.secret_version,
        )
        for entry in existing.values()
        if entry.is_wanted
    ]


def connection_lacks(connection: Connection, subscriptions: Subscriptions) -> list[str]:
    """List the permissions that registering needs and the account did not grant."""
    if connection.permissions is None:
        return []
    granted = set(connection.permissions)
    return [key for key in subscriptions.permissions if not connection.connector.has(key, granted)]


def request_refresh_if_rejected(connection: Connection, outcome: Outcome, *, now: datetime) -> None:
    """Have the access token refreshed if the system rejected it."""
    credential = getattr(connection, "credential", None)
    if outcome.kind == "refresh" and credential is not None:
        credential.await_refresh(used=credential.version, now=now)


def list_endpoint_secrets(endpoint: InboundEndpoint) -> tuple[str, ...]:
    """List the keys and secrets of an endpoint, which no stored text may repeat.

    Raises CannotOpen.
    """
    document = endpoint.open()
    secrets = [entry["secret"] for entry in document.get("secrets") or ()]
    passwords = [secret.partition(":")[2] for secret in secrets]
    keys = (document["key"], document.get("previous_key"))
    return tuple(text for text in (*keys, *secrets, *passwords) if text)


def list_other_urls(endpoint: InboundEndpoint) -> tuple[list[str], bool]:
    """List the URLs of our other endpoints for the same account, whose registrations stay.

    Returns also whether all of them could be read: otherwise nothing may be removed as an orphan.
    """
    connection, source = endpoint.connection, endpoint.connector.webhook_source
    if connection is None or source is None:
        return [], True
    others = (
        InboundEndpoint.unscoped.filter(
            connector_key=endpoint.connector_key, connection__isnull=False
        )
        .exclude(pk=endpoint.pk)
        .exclude(connection__state="disabled", connection__reason="disconnected")
        .select_related("connection")
    )
    urls: list[str] = []
    try:
        for other in others:
            if other.connection and source.is_same_account(
                other.connection.account, connection.account
            ):
                urls += endpoint_urls(other)
    except CannotOpen:
        return urls, False
    return urls, True


def _apply(
    calls: RegistrationCalls,
    comparison: Comparison,
    wanted: list[WantedSubscription],
    existing: Mapping[str, WebhookSubscription],
    *,
    now: datetime,
) -> Outcome | None:
    """Create, repair and remove; return the Outcome of what failed first."""
    by_key = {entry.key: entry for entry in wanted}
    for key, match in comparison.verified.items():
        record_state(existing[key], "verified", match, now=now)
    failures: list[Outcome] = []
    for key, (match, differences) in comparison.drifted.items():
        if existing[key].state == "manual" and differences == (INACTIVE,):
            record_state(existing[key], "manual", match, detail=existing[key].detail, now=now)
            continue  # a person activates it: the system has refused to let us
        record_state(existing[key], "drifted", match, detail=", ".join(differences), now=now)
        made = calls.repair(by_key[key], match)
        failures += _record(existing[key], calls.subscriptions, made, now=now)
    for entry in comparison.missing:
        subscription = existing[entry.key]
        if subscription.external_id:
            record_state(subscription, "gone", None, now=now)
        made = calls.create(entry, {})
        failures += _record(subscription, calls.subscriptions, made, now=now)
    _remove_unwanted(calls, comparison.orphans, existing)
    return failures[0] if failures else None


def _record(
    subscription: WebhookSubscription,
    subscriptions: Subscriptions,
    made: Mapping[str, str] | Outcome,
    *,
    now: datetime,
) -> list[Outcome]:
    """Record the result of a change; return the failure, if it is one.

    What the system leaves to a person is no failure: the subscription is *manual*.
    """
    if isinstance(made, Outcome) and made.reason == ONLY_BY_HAND:
        record_state(subscription, "manual", None, detail=made.detail, now=now)
        return []
    if isinstance(made, Outcome):
        record_failure(subscription, made, now=now)
        return [made]
    found = FoundSubscription(subscriptions.join_ids(made) or subscription.external_id, "")
    record_state(subscription, "verified", found, now=now)
    return []


def _remove_unwanted(
    calls: RegistrationCalls,
    orphans: list[FoundSubscription],
    existing: Mapping[str, WebhookSubscription],
) -> None:
    """Remove registrations of ours that nothing wants, and the rows of those that are removed.

    What the system does not let us remove is tried again at the next ordinary check.
    """
    kept = set()
    for orphan in orphans:
        outcome = calls.remove(orphan.external_id)
        if outcome is not None:
            kept.add(orphan.external_id)
            log.warning("incoming.orphan_not_removed", reason=outcome.reason)
    for subscription in existing.values():
        if not subscription.is_wanted and subscription.external_id not in kept:
            subscription.delete()


def _record_all(
    subscriptions: Iterable[WebhookSubscription], outcome: Outcome, *, now: datetime
) -> Outcome:
    """Store the failure of a whole check; return it."""
    for subscription in subscriptions:
        record_failure(subscription, outcome, now=now)
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
    spread = 1 + SPREAD * (random() - 0.5)
    claimed = InboundEndpoint.unscoped.filter(pk=endpoint.pk, next_check_at__gt=now)
    claimed.update(next_check_at=now + wait * spread)
