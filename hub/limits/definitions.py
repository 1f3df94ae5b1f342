"""The limits: what is counted, over how long, and how much is allowed by default."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MINUTE, HOUR = 60, 3600
MIB = 1024 * 1024
PLATFORM_QUOTA_FACTOR = 10  # the quota of a platform key, in default quotas of a tenant
KEY_QUOTA_DIVISOR = 2  # one key may use this part of its tenant's quota


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of a tenant or API key.

    `seconds` is the length of its window; None: it limits how many rows exist at a time.
    """

    name: str  # stable: used in the API, the settings and the header RateLimit
    label: str | Promise
    quota: int  # the default for a tenant
    seconds: int | None = MINUTE
    per_key: bool = False  # whether each key is counted, too
    per_connection: bool = False  # whether each connection of a tenant is counted by itself


LIMITS = {
    limit.name: limit
    for limit in (
        Limit("events", _("Events per minute"), 120_000, per_key=True),
        Limit("bytes", _("Bytes of events per minute"), 512 * MIB, per_key=True),
        Limit("log_bytes", _("Bytes of log lines per minute"), 128 * MIB, per_key=True),
        Limit("requests", _("Other API requests per minute"), 3_000, per_key=True),
        Limit("replays", _("Single retries and replays per hour"), 1_000, HOUR),
        Limit(
            "actions", _("Requested actions per minute and connection"), 120, per_connection=True
        ),
        Limit("gap_reads", _("Requested reads of missed changes per hour"), 20, HOUR),
        Limit("connections", _("Connections"), 200, None),
        Limit("portal_links", _("Portal links per hour"), 1_000, HOUR),
        Limit("invitations", _("Invitations per hour"), 50, HOUR),
    )
}


class LimitedTenant(Protocol):
    """A protocol: a tenant with the quotas that staff set, in `limits`."""

    @property
    def public_id(self) -> UUID: ...

    @property
    def limits(self) -> Mapping[str, int]: ...


class LimitedKey(Protocol):
    """A protocol: an API key; without a tenant it belongs to the platform."""

    @property
    def prefix(self) -> str: ...

    @property
    def tenant(self) -> LimitedTenant | None: ...


class LimitedConnection(Protocol):
    """A protocol: a connection; without a tenant it belongs to the platform."""

    @property
    def public_id(self) -> UUID: ...

    @property
    def tenant(self) -> LimitedTenant | None: ...


def tenant_quotas(tenant: LimitedTenant) -> dict[str, int | None]:
    return {name: tenant_quota(tenant, name) for name in LIMITS}


def tenant_quota(tenant: LimitedTenant, name: str) -> int | None:
    """Return the tenant's quota of a limit: set by staff, or the default; None: unlimited."""
    own_quota: int | None = tenant.limits.get(name)
    return default_quota(name) if own_quota is None else own_quota


def unknown_limit_names(quotas: Mapping[str, int]) -> list[str]:
    return sorted(set(quotas) - set(LIMITS))


def default_quota(name: str) -> int | None:
    """Return the quota of HUB_LIMITS, otherwise of LIMITS; None if limits are switched off."""
    if settings.HUB_LIMITS is None:
        return None
    quota: int | None = settings.HUB_LIMITS.get(name, LIMITS[name].quota)
    return quota


def key_quota(key: LimitedKey, name: str) -> int | None:
    """Return the quota of one API key; None: unlimited.

    It is half of its tenant's quota; that of a platform key is ten times the default.
    """
    if key.tenant is None:
        quota = default_quota(name)
        return None if quota is None else quota * PLATFORM_QUOTA_FACTOR
    quota = tenant_quota(key.tenant, name)
    return None if quota is None else max(1, quota // KEY_QUOTA_DIVISOR)
