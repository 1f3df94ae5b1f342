"""What the doors and the verbs call: spend of a limit, or be refused."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from hub.limits.catalogue import LIMITS, Limit, quota_of_key, quota_of_tenant, quotas_of
from hub.limits.counting import Charge, Remaining, add, counts, exceeded
from hub.limits.exceeded import LimitExceeded
from hub.limits.models import LimitUsage

ALL_KEYS, THIS_KEY, THIS_TENANT = _("all keys of the tenant"), _("this key"), _("this tenant")


def spend(key: Any, amounts: Mapping[str, int], *, now: datetime) -> list[Remaining]:
    """Of an API key and of its tenant, all or nothing; raises LimitExceeded. Not within a transaction."""
    return counts.spend(charges_of(key, amounts), now=now)


def charges_of(key: Any, amounts: Mapping[str, int]) -> list[Charge]:
    """Those of the tenant stand first: keys of one tenant share a lock."""
    charges = []
    if key.tenant:
        subject = subject_of(key.tenant)
        for name, amount in amounts.items():
            if (quota := quota_of_tenant(key.tenant, name)) is not None:
                charges.append(charge(subject, name, amount, quota, whose=ALL_KEYS))
    subject = subject_of_key(key)
    for name, amount in amounts.items():
        if (quota := quota_of_key(key, name)) is not None:
            charges.append(charge(subject, name, amount, quota, whose=THIS_KEY))
    return charges


def spend_exactly(tenant: Any, name: str, *, now: datetime) -> None:
    """One of a tenant's, counted beside the row that it stands for; joins the caller's transaction.

    Raises LimitExceeded.
    """
    quota = quota_of_tenant(tenant, name)
    if quota is None:
        return
    one = charge(subject_of(tenant), name, 1, quota, whose=THIS_TENANT)
    window, used = add([(one, 1)], now=now)[one.counter]
    if used > quota:
        raise exceeded(one, window, now=now)


def refuse_beyond(tenant: Any, name: str, existing: int, *, now: datetime) -> None:
    """Where so many exist already that one more is too many; raises LimitExceeded."""
    quota = quota_of_tenant(tenant, name)
    if quota is not None and existing >= quota:
        raise LimitExceeded(name, quota, whose=THIS_TENANT, again=None, now=now)


def usage_of(tenant: Any, *, now: datetime) -> list[dict[str, Any]]:
    """Each limit of a tenant: its quota, and what its processes were granted of it in this window."""
    return usages(subject_of(tenant), quotas_of(tenant), now=now)


def usage_of_key(key: Any, *, now: datetime) -> list[dict[str, Any]]:
    """The same of the limits that count each key."""
    quotas = {name: quota_of_key(key, name) for name, limit in LIMITS.items() if limit.per_key}
    return usages(subject_of_key(key), quotas, now=now)


def usages(subject: str, quotas: Mapping[str, int | None], *, now: datetime) -> list[dict[str, Any]]:
    rows = {row.name: row for row in LimitUsage.objects.filter(subject=subject)}
    return [
        {
            "name": name,
            "label": LIMITS[name].label,
            "quota": quota,  # None: not limited
            "seconds": LIMITS[name].seconds,
            "used": used_of(rows.get(name), LIMITS[name], quota, now=now),
        }
        for name, quota in quotas.items()
    ]


def used_of(row: LimitUsage | None, limit: Limit, quota: int | None, *, now: datetime) -> int | None:
    if limit.seconds is None:
        return None
    if row is None or row.window < int(now.timestamp()) // limit.seconds:
        return 0
    return row.used if quota is None else min(row.used, quota)


def subject_of(tenant: Any) -> str:
    return f"tenant:{tenant.public_id}"


def subject_of_key(key: Any) -> str:
    return f"key:{key.prefix}"


def charge(subject: str, name: str, amount: int, quota: int, *, whose: Promise) -> Charge:
    seconds = LIMITS[name].seconds
    assert seconds is not None
    return Charge(subject, name, amount, quota, seconds, whose)
