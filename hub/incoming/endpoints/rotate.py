"""Rotate the secrets and the URL keys of inbound endpoints, with an overlap; audited.

Called by pages and REST. The check of webhook subscriptions then registers the new secret or URL.
Until the overlap ends, both are accepted: 24 hours after all registrations were verified with the
new one, or, if the hub registers nothing at the system, 24 hours after the rotation.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from hub.audit import ActorContext
from hub.incoming.endpoints.create import RandomText, endpoint_url, new_endpoint_key
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.incoming.models.endpoints import hash_endpoint_key
from hub.problems import Refusal
from hub.queue import wake_up

OVERLAP = timedelta(hours=24)  # during which what was replaced is accepted
# so long at most while the system has not taken the new secret or URL
MAX_OVERLAP = timedelta(days=14)
MAX_SECRETS = 5  # that are valid at a time


RotatedPart = Literal["", "secret", "url"]


class RotationRefused(Refusal):
    """The secret or the URL was not rotated; the message contains the reason."""


NOT_GENERATED_BY_HUB_TEXT = _(
    "Its secret is not made by the hub. Change it where the external system shows it."
)
OVERLAP_IN_PROGRESS_TEXT = _(
    "Its URL was rotated, and the old one is still accepted. Wait until it has expired."
)
TOO_MANY_SECRETS_TEXT = _("Its secret was rotated too often. Wait until an old one has expired.")


def is_checked_by_hub(endpoint: InboundEndpoint) -> bool:
    """Return whether the hub, rather than a person, registers webhooks at this system."""
    subscriptions = endpoint.connector.subscriptions
    return (
        subscriptions is not None
        and not subscriptions.is_manual
        and endpoint.connection_id is not None
    )


def find_rotated_part(endpoint: InboundEndpoint) -> RotatedPart:
    """Return what the hub can rotate: the secret it created, or the URL if that is the secret.

    "" if the system created the secret: it can be rotated there only.
    """
    source = endpoint.connector.webhook_source
    if source is None:
        return ""
    parts: dict[str, RotatedPart] = {"made": "secret", "url": "url"}
    return parts.get(source.secret_from, "")


@transaction.atomic
@sensitive_variables()
def rotate_endpoint_secret(
    endpoint: InboundEndpoint,
    actor: ActorContext,
    *,
    reason: str = "",
    random: RandomText = new_endpoint_key,
    now: datetime,
) -> datetime:
    """Create a new secret; return until when the old one is accepted, too.

    Raises RotationRefused if the secret is not created by the hub, or was rotated too often, and
    CannotOpen.
    """
    stored = _lock_endpoint(endpoint)
    source = stored.connector.webhook_source
    if source is None or source.secret_from != "made":
        raise RotationRefused(NOT_GENERATED_BY_HUB_TEXT)
    overlap_until = now + _find_overlap(stored)
    document = stored.open()
    valid = [entry for entry in document.get("secrets") or () if _is_valid(entry, now=now)]
    if len(valid) >= MAX_SECRETS:
        raise RotationRefused(TOO_MANY_SECRETS_TEXT)
    old = [entry | {"until": entry["until"] or overlap_until.isoformat()} for entry in valid]
    new = {"secret": source.make_secret(random()), "until": None}
    stored.seal({**document, "secrets": [new, *old]})
    stored.save(update_fields=["sealed"])
    _finish_rotation(stored, endpoint, now=now)
    actor.audit(
        "inbound_endpoint.rotate_secret",
        stored,
        reason=reason,
        after={"overlap_until": overlap_until},
        now=now,
    )
    return overlap_until


@transaction.atomic
@sensitive_variables()
def rotate_endpoint_key(
    endpoint: InboundEndpoint,
    actor: ActorContext,
    *,
    reason: str = "",
    random: RandomText = new_endpoint_key,
    now: datetime,
) -> str:
    """Give the endpoint a new URL, and return it; the old URL is accepted during the overlap.

    Raises RotationRefused during the overlap of the last rotation, and CannotOpen.
    """
    stored = _lock_endpoint(endpoint)
    if stored.previous_key_until and now < stored.previous_key_until:
        raise RotationRefused(OVERLAP_IN_PROGRESS_TEXT)
    document, key = stored.open(), random()
    overlap_until = now + _find_overlap(stored)
    stored.previous_key_digest, stored.previous_key_until = stored.key_digest, overlap_until
    stored.key_digest = hash_endpoint_key(key)
    stored.seal({**document, "key": key, "previous_key": document["key"]})
    stored.save(update_fields=["sealed", "key_digest", "previous_key_digest", "previous_key_until"])
    _finish_rotation(stored, endpoint, now=now)
    actor.audit(
        "inbound_endpoint.rotate_url",
        stored,
        reason=reason,
        after={"overlap_until": stored.previous_key_until},
        now=now,
    )
    return endpoint_url(stored)


@transaction.atomic
@sensitive_variables()
def end_overlap_after_registration(
    endpoint: InboundEndpoint, document: Mapping[str, Any], *, now: datetime
) -> None:
    """End the overlap 24 hours from now, as the system has the new secret or URL.

    `document`: of the endpoint, as it was registered; nothing is changed if it was rotated since.
    Raises CannotOpen.
    """
    until = now + OVERLAP
    old = [datetime.fromisoformat(entry["until"]) for entry in _list_replaced(document)]
    if endpoint.previous_key_until:
        old.append(endpoint.previous_key_until)
    if not any(end > until for end in old):
        return
    stored = _lock_endpoint(endpoint)
    if stored.open() != document:
        return
    secrets = [
        entry | {"until": min(until, datetime.fromisoformat(entry["until"])).isoformat()}
        if entry.get("until")
        else entry
        for entry in document.get("secrets") or ()
    ]
    stored.seal({**document, "secrets": secrets})
    if stored.previous_key_until:
        stored.previous_key_until = min(until, stored.previous_key_until)
    stored.save(update_fields=["sealed", "previous_key_until"])


def _lock_endpoint(endpoint: InboundEndpoint) -> InboundEndpoint:
    return InboundEndpoint.unscoped.select_for_update(no_key=True).get(pk=endpoint.pk)


def _find_overlap(endpoint: InboundEndpoint) -> timedelta:
    """Return the length of the overlap; None if the verification of the registrations ends it."""
    subscriptions = endpoint.connector.subscriptions
    is_registered = subscriptions is not None and not subscriptions.is_manual
    wanted_subscriptions = WebhookSubscription.unscoped.filter(endpoint=endpoint, is_wanted=True)
    return MAX_OVERLAP if is_registered and wanted_subscriptions.exists() else OVERLAP


def _list_replaced(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [entry for entry in document.get("secrets") or () if entry.get("until")]


def _is_valid(entry: dict[str, Any], *, now: datetime) -> bool:
    return not entry.get("until") or now < datetime.fromisoformat(entry["until"])


def _finish_rotation(stored: InboundEndpoint, endpoint: InboundEndpoint, *, now: datetime) -> None:
    """Make the check of the endpoint's registrations due, so the system gets the new value soon."""
    InboundEndpoint.unscoped.filter(pk=stored.pk).update(next_check_at=now)
    wake_up(f"register:{stored.pk}", now=now)
    _copy_columns(stored, endpoint)


def _copy_columns(stored: InboundEndpoint, endpoint: InboundEndpoint) -> None:
    for name in ("sealed", "key_digest", "previous_key_digest", "previous_key_until"):
        setattr(endpoint, name, getattr(stored, name))
