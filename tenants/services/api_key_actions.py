"""Issue and revoke API keys."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from hub.actions import FOR_STAFF, Action, always, declare_actions
from hub.audit import ActorContext
from tenants.api_key_format import RandomBytes
from tenants.models import ApiKey


@transaction.atomic
def issue_api_key(
    fields: Mapping[str, Any], actor: ActorContext, *, random: RandomBytes, now: datetime
) -> tuple[ApiKey, str]:
    """Return the key's row and its text, which is not stored and cannot be shown again.

    `fields` are `name`, `tenant`, `scopes` and `expires_at`.
    Raises ValidationError when a value is invalid.
    """
    key, text = ApiKey.issue(random=random, created_by=actor.user, **fields)
    after = {"name": key.name, "scopes": key.scopes, "expires_at": key.expires_at}
    actor.audit("apikey.issue", key, after=after, now=now)
    return key, text


@transaction.atomic
def revoke_api_key(key: ApiKey, actor: ActorContext, *, reason: str, now: datetime) -> None:
    """End the key at once and for good."""
    key.revoke(now=now)
    actor.audit("apikey.revoke", key, reason=reason, after={"revoked": True}, now=now)


KEY_ACTIONS = declare_actions(
    Action[ApiKey](
        name="revoke",
        label="Revoke",
        question="A revoked key is rejected immediately and cannot be restored.",
        success="The key has been revoked.",
        run=revoke_api_key,
        asks_reason=always,
        is_available=lambda key: key.revoked_at is None,
        icon="block",
        tone="danger",
        withheld=FOR_STAFF,
    ),
)
