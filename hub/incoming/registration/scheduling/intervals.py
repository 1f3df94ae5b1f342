"""When the registrations of an endpoint are checked next."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.conf import settings

from connectors.outcomes import Outcome
from connectors.webhook_sources import Subscriptions
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.incoming.registration.scheduling.budgets import load_watch_plan

RETRY_AFTER, RETRY_AFTER_MAX = timedelta(seconds=30), timedelta(hours=1)
SPREAD_SHARE = 0.1  # of a wait, added to it, so that checks do not coincide


def spread_wait(wait: timedelta, random: Callable[[], float]) -> timedelta:
    return wait * (1 + SPREAD_SHARE * random())


def find_interval(endpoint: InboundEndpoint) -> timedelta:
    """Return the declared time between two checks, more where the account's budget asks for it."""
    subscriptions, connection = endpoint.connector.subscriptions, endpoint.connection
    seconds = subscriptions.check_every if subscriptions else 3600.0
    if connection is not None:
        seconds = max(seconds, load_watch_plan(connection).check_every)
    return timedelta(seconds=settings.HUB_SUBSCRIPTION_CHECK_SECONDS or seconds)


def find_failure_wait(failed: Outcome, existing: Iterable[WebhookSubscription]) -> timedelta:
    """Return the time until a failed check is repeated, which grows with each failure in a row."""
    count = max((entry.failure_count for entry in existing), default=1)
    wait: timedelta = min(RETRY_AFTER * 2 ** min(count, 10), RETRY_AFTER_MAX)
    return max(wait, timedelta(seconds=failed.after or 0))


def find_renewal_wait(
    subscriptions: Subscriptions, existing: Iterable[WebhookSubscription], *, now: datetime
) -> timedelta:
    """Return the time until the first registration has to be renewed, RETRY_AFTER at least."""
    ends = [entry.expires_at for entry in existing if entry.is_wanted and entry.expires_at]
    if not ends:
        return timedelta.max
    wait = min(ends) - timedelta(seconds=subscriptions.renew_before) - now
    return max(wait / (1 + SPREAD_SHARE), RETRY_AFTER)
