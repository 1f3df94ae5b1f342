"""Create, change, suspend and restore a tenant, and set its limits, for all doors."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from hub.audit import ActorContext
from tenants.models import Tenant


def lock_tenant(tenant: Tenant) -> Tenant:
    """Return the tenant's row, locked until the transaction ends.

    Rows that only reference the tenant, such as an accepted event, do not wait for the lock.
    """
    return Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)


@transaction.atomic
def create_or_change_tenant(
    reference: str, fields: Mapping[str, Any], actor: ActorContext, *, now: datetime
) -> tuple[Tenant, bool]:
    """Return the tenant with this reference, and whether it was created."""
    tenant, created = Tenant.objects.get_or_create(reference=reference, defaults=dict(fields))
    if not created:
        return change_tenant(tenant, fields, actor, now=now), False
    actor.audit("tenant.create", tenant, after={"reference": reference, **fields}, now=now)
    return tenant, True


@transaction.atomic
def change_tenant(
    tenant: Tenant, changes: Mapping[str, Any], actor: ActorContext, *, now: datetime
) -> Tenant:
    """Return the changed tenant. Only fields with another value are written and audited."""
    tenant = lock_tenant(tenant)
    before = {name: getattr(tenant, name) for name in changes}
    changed = {name: value for name, value in changes.items() if value != before[name]}
    if changed:
        for name, value in changed.items():
            setattr(tenant, name, value)
        tenant.save(update_fields=list(changed))
        before = {name: before[name] for name in changed}
        actor.audit("tenant.change", tenant, before=before, after=changed, now=now)
    return tenant


@transaction.atomic
def suspend_tenant(tenant: Tenant, reason: str, actor: ActorContext, *, now: datetime) -> Tenant:
    """Return the suspended tenant. Nothing is sent for it; events are accepted and held.

    A suspended tenant keeps the time of its suspension; only another reason is written.
    """
    tenant = lock_tenant(tenant)
    before = tenant.suspension
    if before is None or before["reason"] != reason:
        tenant.suspend(reason, now=now)
        actor.audit(
            "tenant.suspend",
            tenant,
            reason=reason,
            before={"suspended": before},
            after={"suspended": tenant.suspension},
            now=now,
        )
    return tenant


@transaction.atomic
def restore_tenant(tenant: Tenant, actor: ActorContext, *, now: datetime) -> Tenant:
    """Return the restored tenant, whose held deliveries are released."""
    tenant = lock_tenant(tenant)
    before = tenant.suspension
    if before is not None:
        tenant.restore(now=now)
        after = {"suspended": None}
        actor.audit("tenant.restore", tenant, before={"suspended": before}, after=after, now=now)
    return tenant


@transaction.atomic
def set_tenant_limits(
    tenant: Tenant, limits: Mapping[str, int], actor: ActorContext, *, now: datetime
) -> Tenant:
    """Set the tenant's quotas by limit name; without one it gets the default. Return the tenant."""
    tenant = lock_tenant(tenant)
    before, tenant.limits = tenant.limits, dict(limits)
    tenant.save(update_fields=["limits"])
    after = {"limits": tenant.limits}
    actor.audit("tenant.set_limits", tenant, before={"limits": before}, after=after, now=now)
    return tenant
