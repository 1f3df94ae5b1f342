"""Spend limits: called by views and service functions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from hub.limits.definitions import (
    LIMITS,
    Limit,
    LimitedConnection,
    LimitedKey,
    LimitedTenant,
    default_quota,
    key_quota,
    tenant_quota,
    tenant_quotas,
)
from hub.limits.exceeded import LimitExceeded
from hub.limits.models import LimitUsage
from hub.limits.shared_counts import (
    Charge,
    RemainingQuota,
    add_usage,
    grant_counters,
    limit_exceeded,
)

ALL_KEYS, THIS_KEY, THIS_TENANT = _("all keys of the tenant"), _("this key"), _("this tenant")
THIS_CONNECTION = _("this connection")


def spend_limits(
    key: LimitedKey, amounts: Mapping[str, int], *, now: datetime
) -> list[RemainingQuota]:
    """Spend the amounts of an API key and of its tenant, all or none.

    Raises LimitExceeded if one exceeds its quota. Call it outside transactions.
    """
    return grant_counters.spend(_build_quota_charges(key, amounts), now=now)


def _build_quota_charges(key: LimitedKey, amounts: Mapping[str, int]) -> list[Charge]:
    """Build the charges; those of the tenant come first, as the first one selects the lock."""
    charges = []
    if key.tenant:
        subject = _format_tenant_subject(key.tenant)
        for name, amount in amounts.items():
            if (quota := tenant_quota(key.tenant, name)) is not None:
                charges.append(build_charge(subject, name, amount, quota, subject_label=ALL_KEYS))
    subject = _format_key_subject(key)
    for name, amount in amounts.items():
        if (quota := key_quota(key, name)) is not None:
            charges.append(build_charge(subject, name, amount, quota, subject_label=THIS_KEY))
    return charges


def spend_tenant_limit(tenant: LimitedTenant, name: str, *, now: datetime) -> None:
    """Spend one unit of a tenant's limit in the caller's transaction, with the row that it counts.

    Raises LimitExceeded if the quota is used up.
    """
    quota = tenant_quota(tenant, name)
    if quota is None:
        return
    single_charge = build_charge(
        _format_tenant_subject(tenant), name, 1, quota, subject_label=THIS_TENANT
    )
    window, used = add_usage([(single_charge, 1)], now=now)[single_charge.counter]
    if used > quota:
        raise limit_exceeded(single_charge, window, now=now)


def spend_connection_limit(connection: LimitedConnection, name: str, *, now: datetime) -> int:
    """Spend one unit of a limit of a connection in the caller's transaction.

    Returns how much of it is used in this window; 0 if it is not limited. Raises LimitExceeded if
    the quota is used up.
    """
    tenant = connection.tenant
    quota = tenant_quota(tenant, name) if tenant else default_quota(name)
    if quota is None:
        return 0
    subject = f"connection:{connection.public_id}"
    charge = build_charge(subject, name, 1, quota, subject_label=THIS_CONNECTION)
    window, used = add_usage([(charge, 1)], now=now)[charge.counter]
    if used > quota:
        raise limit_exceeded(charge, window, now=now)
    return used


def require_room(tenant: LimitedTenant, name: str, existing: int, *, now: datetime) -> None:
    """Raise LimitExceeded if the tenant already has as many rows as the limit allows."""
    quota = tenant_quota(tenant, name)
    if quota is not None and existing >= quota:
        raise LimitExceeded(name, quota, subject_label=THIS_TENANT, retry_at=None, now=now)


def tenant_usage(tenant: LimitedTenant, *, now: datetime) -> list[dict[str, Any]]:
    """Return each limit of a tenant: its quota, and the amount granted in the current window."""
    return _build_usage_rows(_format_tenant_subject(tenant), tenant_quotas(tenant), now=now)


def key_usage(key: LimitedKey, *, now: datetime) -> list[dict[str, Any]]:
    """Return each limit of a single API key: its quota, and the amount granted in this window."""
    quotas = {name: key_quota(key, name) for name, limit in LIMITS.items() if limit.per_key}
    return _build_usage_rows(_format_key_subject(key), quotas, now=now)


def _build_usage_rows(
    subject: str, quotas: Mapping[str, int | None], *, now: datetime
) -> list[dict[str, Any]]:
    usage_by_name = {usage.name: usage for usage in LimitUsage.objects.filter(subject=subject)}
    return [
        {
            "name": name,
            "label": LIMITS[name].label,
            "quota": quota,  # None: not limited
            "seconds": LIMITS[name].seconds,
            "used": _compute_used_amount(usage_by_name.get(name), LIMITS[name], quota, now=now),
        }
        for name, quota in quotas.items()
    ]


def _compute_used_amount(
    usage: LimitUsage | None, limit: Limit, quota: int | None, *, now: datetime
) -> int | None:
    if limit.seconds is None or limit.per_connection:
        return None
    if usage is None or usage.window < int(now.timestamp()) // limit.seconds:
        return 0
    return usage.used if quota is None else min(usage.used, quota)


def _format_tenant_subject(tenant: LimitedTenant) -> str:
    return f"tenant:{tenant.public_id}"


def _format_key_subject(key: LimitedKey) -> str:
    return f"key:{key.prefix}"


def build_charge(
    subject: str, name: str, amount: int, quota: int, *, subject_label: Promise
) -> Charge:
    seconds = LIMITS[name].seconds
    assert seconds is not None
    return Charge(subject, name, amount, quota, seconds, subject_label)
