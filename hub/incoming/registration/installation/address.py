"""The public URL under which this installation has registered its webhooks.

A copy of an installation at another URL has the same subscriptions and credentials. It only
observes the webhooks of the original, until staff confirm that the installation has moved.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction

from connectors.webhook_sources import FoundSubscription
from hub.audit import ActorContext
from hub.incoming.endpoints.create import build_endpoint_path
from hub.incoming.models import InboundEndpoint, WebhookAddress, WebhookSubscription
from hub.problems import Refusal


class MoveNotConfirmed(Refusal):
    """There is no move to confirm: the webhooks are registered under the current URL."""

    sentence = "The address is confirmed already. The webhooks are checked in a moment."


def find_former_url() -> str:
    """Return the URL under which webhooks are registered if it differs from the current one.

    "" means that this installation may change them.
    """
    address = WebhookAddress.objects.first()
    is_moved = address is not None and address.public_url != settings.HUB_PUBLIC_URL
    return address.public_url if address is not None and is_moved else ""


def establish_address(
    endpoint: InboundEndpoint,
    registrations: Iterable[FoundSubscription],
    external_ids: Collection[str],
    *,
    now: datetime,
) -> None:
    """Store the URL under which webhooks are registered, if it is not known yet.

    An installation that registered webhooks before this URL was stored derives it from the system's
    report of them; one that registered none uses its current URL. Raises CannotOpen.
    """
    if WebhookAddress.objects.exists():
        return
    path = build_endpoint_path(endpoint.connector_key, endpoint.open()["key"])
    reported = [
        entry.url.partition(path)[0]
        for entry in registrations
        if entry.external_id in external_ids and path in entry.url
    ]
    registered = WebhookSubscription.unscoped.exclude(external_id="")
    if not reported and registered.exists():
        return  # another endpoint's check learns it
    public_url = reported[0] if reported else settings.HUB_PUBLIC_URL
    row = WebhookAddress(id=WebhookAddress.ONLY_ROW, public_url=public_url, changed_at=now)
    WebhookAddress.objects.bulk_create([row], ignore_conflicts=True)


@transaction.atomic
def confirm_move(actor: ActorContext, *, reason: str = "", now: datetime) -> str:
    """Let this installation change the webhooks that were registered under another URL, audited.

    Their checks are due at once. Returns the former URL. Raises MoveNotConfirmed.
    """
    address = WebhookAddress.objects.select_for_update().first()
    if address is None or address.public_url == settings.HUB_PUBLIC_URL:
        raise MoveNotConfirmed
    former_url = address.public_url
    address.public_url, address.changed_at = settings.HUB_PUBLIC_URL, now
    address.save()
    actor.audit(
        "webhook_address.confirm",
        address,
        reason=reason,
        before={"public_url": former_url},
        after={"public_url": address.public_url},
        now=now,
    )
    checked = InboundEndpoint.unscoped.filter(subscriptions__isnull=False)
    InboundEndpoint.unscoped.filter(pk__in=checked.values("pk")).update(next_check_at=now)
    return former_url
