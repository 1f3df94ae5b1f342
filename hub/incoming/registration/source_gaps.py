"""Gaps of the sources whose registration was gone, or not as it should be."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from connectors.webhook_sources import BANNED, INACTIVE, FoundSubscription
from hub.incoming.endpoints.create import endpoint_urls
from hub.incoming.gaps import (
    end_gap_cause,
    find_sources,
    find_unwanted_end,
    lock_sources,
    note_listed,
    open_gap,
)
from hub.incoming.models import InboundGap, InboundSource, WebhookSubscription

Cause = InboundGap.Cause
REGISTRATION_CAUSES = (Cause.GONE, Cause.EDITED, Cause.DISABLED, Cause.BAN, Cause.EXPIRED)
CAUSES_OF_STATES = {"gone": Cause.GONE, "expired": Cause.EXPIRED, "unsupported": Cause.DISABLED}
ROTATED = {"url", "secret"}  # differences that a rotation makes
LEAST_OVERLAP = timedelta(minutes=2)


def name_cause(
    subscription: WebhookSubscription, registration: FoundSubscription, differences: Sequence[str]
) -> str:
    """Return why a registration that differs may have sent nothing, or not all.

    "" if only its URL or secret is the one before our rotation: what it sends is accepted.
    """
    if set(differences) <= ROTATED and _is_accepted(subscription, registration):
        return ""
    return _name_difference(differences)


def find_registration_cause(source: InboundSource) -> str:
    """Return why events of a source may be missed by its registrations; "" if by none."""
    broken = WebhookSubscription.unscoped.filter(
        endpoint__connection=source.connection_id,
        is_wanted=True,
        state__in=WebhookSubscription.UNHEALTHY_STATES,
        verified_at__isnull=False,
    )
    broken = broken.exclude(reason=WebhookSubscription.NO_REGISTRATION)
    for subscription in broken.select_related("endpoint").order_by("key"):
        if source.object in _list_objects(subscription):
            cause = CAUSES_OF_STATES.get(subscription.state)
            return cause or _name_difference(subscription.detail.split(", "))
    return ""


def _name_difference(differences: Sequence[str]) -> str:
    if BANNED in differences:
        return Cause.BAN
    return Cause.DISABLED if INACTIVE in differences else Cause.EDITED


@transaction.atomic
def update_gaps(
    subscription: WebhookSubscription, cause: str, *, detail: str, now: datetime
) -> None:
    """Open the gaps of a registration that has just been observed, or end them.

    `cause`: why its events may have been missed. All sources of its connection are locked, as one
    transaction may observe several registrations.
    """
    if cause or subscription.state == "verified":
        lock_sources(subscription.endpoint.connection_id)
    if cause:
        _open_gaps(subscription, cause, detail=detail, now=now)
    elif subscription.state == "verified":
        _end_gaps(subscription, now=now)


def _open_gaps(
    subscription: WebhookSubscription, cause: str, *, detail: str, now: datetime
) -> None:
    """Open the gaps of what a registration delivers, from the last check that found it correct.

    What the system still tried to send then counts as missed, but for what a person has cancelled
    while it lasted. One that was never correct has none.
    """
    source, verified_at = subscription.endpoint.connector.webhook_source, subscription.verified_at
    if verified_at is None or source is None:
        return
    overlap = max(timedelta(seconds=source.retry_period_seconds), LEAST_OVERLAP)
    for row in _find_delivered_sources(subscription):
        from_at = find_unwanted_end(row, verified_at - overlap)
        open_gap(row, cause, from_at=from_at, detail=detail, now=now)


def _end_gaps(subscription: WebhookSubscription, *, now: datetime) -> None:
    """Record that what a registration delivers arrives, and end the gaps that it caused.

    Another registration of the same object may still differ: then nothing is recorded.
    """
    objects, connection_id = _list_objects(subscription), subscription.endpoint.connection_id
    if connection_id is None:
        return
    others = WebhookSubscription.unscoped.filter(
        endpoint=subscription.endpoint, is_wanted=True
    ).exclude(pk=subscription.pk)
    pending = {
        object
        for other in others.exclude(state="verified")
        if other.reason != WebhookSubscription.NO_REGISTRATION
        for object in _list_objects(other)
    }
    note_listed(connection_id, objects - pending, now=now)
    for row in find_sources(connection_id, objects - pending):
        end_gap_cause(row, REGISTRATION_CAUSES, to_at=now, now=now)


def _is_accepted(subscription: WebhookSubscription, registration: FoundSubscription) -> bool:
    endpoint, subscriptions = subscription.endpoint, subscription.endpoint.connector.subscriptions
    build_url = subscriptions.build_url if subscriptions else lambda url, key: url
    urls = [build_url(url, subscription.key) for url in endpoint_urls(endpoint)]
    secrets = [entry["secret"] for entry in endpoint.open().get("secrets") or ()]
    has_secret = not registration.secret or registration.secret in secrets
    return registration.url in urls and has_secret


def _find_delivered_sources(subscription: WebhookSubscription) -> list[InboundSource]:
    connection_id = subscription.endpoint.connection_id
    return find_sources(connection_id, _list_objects(subscription)) if connection_id else []


def _list_objects(subscription: WebhookSubscription) -> set[str]:
    source = subscription.endpoint.connector.webhook_source
    return {source.find_object(type) for type in subscription.event_types} if source else set()
