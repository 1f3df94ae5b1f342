"""Actions of people on webhook subscriptions, audited; called by REST, the admin and the portal."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from hub.actions import FOR_STAFF, Action, always, declare_actions
from hub.audit import ActorContext
from hub.crypto.sealed import CannotOpen
from hub.incoming.endpoints.allowed_sources import AllowedSourcesForm, set_allowed_sources
from hub.incoming.endpoints.rotate import (
    find_rotated_part,
    is_checked_by_hub,
    rotate_endpoint_key,
    rotate_endpoint_secret,
)
from hub.incoming.models import WebhookSubscription
from hub.incoming.processing.attribution import find_hold_reason
from hub.incoming.registration.installation.address import confirm_move, find_former_url
from hub.incoming.registration.outcomes import INSTALLATION_MOVED
from hub.incoming.registration.scheduling.checks import is_check_awaited, request_check
from hub.problems import Refusal


class SubscriptionActionRefused(Refusal):
    """The action is not possible; the message contains the reason."""


WRITE_SCOPE = "webhook-subscriptions:write"
MIN_CHECK_INTERVAL = timedelta(seconds=20)  # between two checks that people request
JUST_CHECKED_TEXT = _("It was checked a few seconds ago. Its state is up to date.")
DISCONNECTED_TEXT = _("The connection is disconnected. Connect the account again.")
BEING_CHECKED_TEXT = _("It is being checked already. Its state is up to date in a moment.")
SUSPENDED_TEXT = _(
    "The organization is suspended. Its webhooks are not changed until it is restored."
)
SWITCHED_OFF_TEXT = _("It is switched off. Its webhooks are not changed until it is on again.")
MOVED_TEXT = _(
    "The address of this installation has changed. It is repaired when the operator of the hub has "
    "confirmed the new address."
)
NOT_CALLABLE = {"tenant_suspended": SUSPENDED_TEXT, "switched_off": SWITCHED_OFF_TEXT}
MANUAL_TEXT = _("The hub cannot register it. A person does it in the other system.")
RESTRICTED_TEXT = "It concerns all tenants. A staff member who is not limited to some confirms it."
UNREADABLE_TEXT = _("Its secret cannot be decrypted. Ask the operator of the hub.")


@transaction.atomic
def check_subscription(
    subscription: WebhookSubscription, actor: ActorContext, *, reason: str = "", now: datetime
) -> None:
    """Compare the registrations of its endpoint with the system's now, in the background.

    Raises SubscriptionActionRefused if its account may not be called now, a check is running or has
    been requested, or it was checked a moment ago, as each check spends quota of the account.
    """
    _refuse_if_not_callable(subscription)
    if subscription.checked_at and now - subscription.checked_at < MIN_CHECK_INTERVAL:
        raise SubscriptionActionRefused(JUST_CHECKED_TEXT)
    if is_check_awaited(subscription.endpoint, now=now):
        raise SubscriptionActionRefused(BEING_CHECKED_TEXT)
    actor.audit("webhook_subscription.check", subscription, reason=reason, now=now)
    request_check(subscription.endpoint, is_awaited=True, now=now)


@transaction.atomic
def repair_subscription(
    subscription: WebhookSubscription, actor: ActorContext, *, reason: str = "", now: datetime
) -> None:
    """Register it again in its wanted state, in the background, even after many failures.

    If a check is running, another one follows. Raises SubscriptionActionRefused if its account may
    not be called now, only a person can register it, or a move of the installation is not
    confirmed.
    """
    _refuse_if_not_callable(subscription)
    subscriptions = subscription.endpoint.connector.subscriptions
    if subscriptions is None or subscriptions.is_manual:
        raise SubscriptionActionRefused(MANUAL_TEXT)
    if find_former_url():
        raise SubscriptionActionRefused(MOVED_TEXT)
    before = {"state": subscription.state, "failures": subscription.failure_count}
    subscription.failure_count = 0
    subscription.save(update_fields=["failure_count"])
    actor.audit("webhook_subscription.repair", subscription, reason=reason, before=before, now=now)
    request_check(subscription.endpoint, is_awaited=True, now=now)


@transaction.atomic
def rotate_subscription(
    subscription: WebhookSubscription, actor: ActorContext, *, reason: str = "", now: datetime
) -> None:
    """Rotate the secret that authenticates the webhooks of its endpoint, with an overlap.

    This is the secret that the hub generated, or the URL if the URL is the secret. The registration
    is updated in the background. Raises SubscriptionActionRefused and RotationRefused.
    """
    _refuse_if_disconnected(subscription)
    endpoint = subscription.endpoint
    source = endpoint.connector.webhook_source
    is_url_secret = source is not None and source.secret_from == "url"
    rotate = rotate_endpoint_key if is_url_secret else rotate_endpoint_secret
    try:
        rotate(endpoint, actor, reason=reason, now=now)
    except CannotOpen as error:
        raise SubscriptionActionRefused(UNREADABLE_TEXT) from error


def allow_sources(
    subscription: WebhookSubscription,
    actor: ActorContext,
    *,
    networks: Sequence[str],
    reason: str = "",
    now: datetime,
) -> list[str]:
    """Set the networks from which webhooks of its endpoint are accepted; return them.

    Raises NetworksRefused.
    """
    endpoint = subscription.endpoint
    return set_allowed_sources(endpoint, networks, actor, reason=reason, now=now)


def confirm_installation_move(
    subscription: WebhookSubscription, actor: ActorContext, *, reason: str, now: datetime
) -> str:
    """Confirm the address for the webhooks of all tenants; return the former one.

    Raises SubscriptionActionRefused if the actor is limited to some tenants, and MoveNotConfirmed.
    """
    if not actor.is_unrestricted:
        raise SubscriptionActionRefused(RESTRICTED_TEXT)
    return confirm_move(actor, reason=reason, now=now)


def _refuse_if_disconnected(subscription: WebhookSubscription) -> None:
    connection = subscription.endpoint.connection
    if connection is not None and connection.is_disconnected:
        raise SubscriptionActionRefused(DISCONNECTED_TEXT)


def _refuse_if_not_callable(subscription: WebhookSubscription) -> None:
    _refuse_if_disconnected(subscription)
    connection = subscription.endpoint.connection
    if connection is not None and (text := NOT_CALLABLE.get(find_hold_reason(connection))):
        raise SubscriptionActionRefused(text)


def _declare(*, is_background: bool = True, **fields: Any) -> Action[WebhookSubscription]:
    return Action(scope=WRITE_SCOPE, is_background=is_background, **fields)


SUBSCRIPTION_ACTIONS = declare_actions(
    _declare(
        name="check",
        label=_("Check now"),
        question=_(
            "Compare the registration with the other system's now; what differs is repaired."
        ),
        success=_("It is being checked."),
        summary="Check a webhook subscription",
        run=check_subscription,
        is_available=lambda subscription: is_checked_by_hub(subscription.endpoint),
        icon="refresh",
    ),
    _declare(
        name="repair",
        label=_("Repair"),
        question=_("Register it again as it should be now, however often that failed before."),
        success=_("It is being repaired."),
        summary="Repair a webhook subscription",
        run=repair_subscription,
        is_available=lambda subscription: is_checked_by_hub(subscription.endpoint),
        icon="build",
    ),
    _declare(
        name="rotate",
        label=_("Rotate the secret"),
        question=_(
            "The hub makes a new secret, or a new URL where the URL is the secret, and registers "
            "it. The old one is accepted until 24 hours after the system has the new one."
        ),
        success=_("A new secret is being registered. The old one is accepted for a day longer."),
        summary="Rotate the secret of a webhook subscription",
        run=rotate_subscription,
        is_available=lambda subscription: bool(find_rotated_part(subscription.endpoint)),
        asks_reason=always,
        recent_login_at=("staff",),
        icon="key",
    ),
    _declare(
        name="allow_sources",
        label=_("Limit the senders"),
        question=_(
            "Accept the webhooks of this URL from these networks only. Requests from other "
            "addresses are rejected, so enter all that the other system sends from."
        ),
        success=_("The allowed networks have been set. They apply within a second."),
        summary="Set the networks from which webhooks are accepted",
        run=allow_sources,
        form=AllowedSourcesForm,
        is_background=False,
        icon="shield",
    ),
    _declare(
        name="confirm_move",
        label="Confirm the new address",
        question=(
            "HUB_PUBLIC_URL has changed since the webhooks of this installation were registered. "
            "If the installation has moved, confirm it: all of its webhooks are registered again "
            "under the new address. If this is a copy, and the original still runs, do not "
            "confirm: the original would no longer receive anything."
        ),
        success="The webhooks are being registered again.",
        run=confirm_installation_move,
        describe_result=lambda former_url: (
            f"The webhooks that were registered for {former_url} are being registered again."
        ),
        is_available=lambda subscription: subscription.reason == INSTALLATION_MOVED,
        asks_reason=always,
        recent_login_at=("staff",),
        icon="move_down",
        withheld=FOR_STAFF,
    ),
)
