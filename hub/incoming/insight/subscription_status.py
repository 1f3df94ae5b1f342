"""Texts about a webhook subscription: what its state means, and what a person must do."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from hub.crypto.sealed import CannotOpen
from hub.incoming.endpoints.create import endpoint_url
from hub.incoming.models import WebhookSubscription
from hub.reason_codes import SUBSCRIPTION_REASONS, find_reason, translate_text
from hub.state_texts import NOTHING_LISTENS, SUBSCRIPTION_STATES

HANDLED_BY_A_PERSON = ("manual", "unsupported")


@dataclass(frozen=True, slots=True)
class SubscriptionStatus:
    """The texts of a subscription."""

    sentence: str
    action: str
    guide: tuple[str, ...]  # what a person does in the other system, in steps

    @property
    def needs_person(self) -> bool:
        return bool(self.guide or self.action)


def readable_subscriptions() -> QuerySet[WebhookSubscription]:
    """Return a queryset of subscriptions with what pages and REST show, in one query."""
    return WebhookSubscription.unscoped.select_related("tenant", "endpoint__connection__tenant")


def describe_subscription(subscription: WebhookSubscription) -> SubscriptionStatus:
    """Return the texts of a subscription, which was read with its endpoint."""
    sentence, action = SUBSCRIPTION_STATES[subscription.state].sentence, ""
    if subscription.state == "manual" and not subscription.event_types:
        sentence = NOTHING_LISTENS.sentence
    if subscription.reason:
        reason = SUBSCRIPTION_REASONS.get(subscription.reason) or find_reason(
            subscription.reason, system=str(subscription.endpoint.connector.label)
        )
        sentence, action = reason.sentence, reason.action
    return SubscriptionStatus(sentence, action, list_guide_steps(subscription))


def list_guide_steps(subscription: WebhookSubscription) -> tuple[str, ...]:
    """List the steps for a person if the hub cannot register; empty if it can."""
    if subscription.state not in HANDLED_BY_A_PERSON:
        return ()
    if subscription.reason == WebhookSubscription.NO_REGISTRATION:
        return ()
    subscriptions = subscription.endpoint.connector.subscriptions
    if subscriptions is None or not subscriptions.guide:
        return ()
    names = {"url": find_url(subscription) or "", "secret": "…"}
    return tuple(translate_text(step, names) for step in subscriptions.guide)


def find_url(subscription: WebhookSubscription) -> str | None:
    """Return the URL that the system delivers to; None if it cannot be decrypted."""
    endpoint = subscription.endpoint
    try:
        url = endpoint_url(endpoint)
    except CannotOpen:
        return None
    subscriptions = endpoint.connector.subscriptions
    if subscriptions is None or subscriptions.is_manual:
        return url
    return subscriptions.build_url(url, subscription.key)


def find_last_item_at(subscription: WebhookSubscription) -> datetime | None:
    """Return when an item last arrived; for an app's endpoint, of any of its tenants."""
    return subscription.last_item_at or subscription.endpoint.last_item_at
