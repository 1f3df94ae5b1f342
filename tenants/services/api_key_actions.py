"""Issue and revoke API keys."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

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
def revoke_api_key(key: ApiKey, reason: str, actor: ActorContext, *, now: datetime) -> None:
    """End the key at once and for good."""
    key.revoke(now=now)
    actor.audit("apikey.revoke", key, reason=reason, after={"revoked": True}, now=now)
