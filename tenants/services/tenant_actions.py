"""Create, change, suspend and restore a tenant, and set its limits, for all doors."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.db import transaction

from hub.actions import FOR_STAFF, Action, ActionForm, Door, declare_actions
from hub.audit import ActorContext
from hub.limits.definitions import LIMITS, default_quota
from hub.problems import Refusal
from tenants.models import Tenant

MAX_QUOTA = 10**12


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
def suspend_tenant(tenant: Tenant, actor: ActorContext, *, reason: str, now: datetime) -> Tenant:
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


class LimitsReserved(Refusal):
    """Staff who are restricted to some tenants do not set the limits of one."""

    sentence = "Only platform staff can set the limits of a tenant."


@transaction.atomic
def set_tenant_limits(
    tenant: Tenant, actor: ActorContext, *, now: datetime, **limits: int | None
) -> Tenant:
    """Set the tenant's quotas by limit name; without one it gets the default. Return the tenant.

    Raises LimitsReserved.
    """
    if not actor.is_unrestricted:
        raise LimitsReserved
    tenant = lock_tenant(tenant)
    before, tenant.limits = (
        tenant.limits,
        {name: limit for name, limit in limits.items() if limit is not None},
    )
    tenant.save(update_fields=["limits"])
    after = {"limits": tenant.limits}
    actor.audit("tenant.set_limits", tenant, before={"limits": before}, after=after, now=now)
    return tenant


class LimitsForm(ActionForm):
    """A quota for each limit; empty: the default."""

    def __init__(self, *args: Any, obj: Tenant, **options: Any) -> None:
        super().__init__(*args, obj=obj, initial=obj.limits, **options)
        for name, limit in LIMITS.items():
            default = default_quota(name)
            self.fields[name] = forms.IntegerField(
                label=limit.label,  # type: ignore[arg-type]  # a translation
                min_value=1,
                max_value=MAX_QUOTA,
                required=False,
                help_text=f"The default is {default:,}." if default else "Not limited by default.",
            )


class SuspensionForm(ActionForm):
    reason = forms.CharField(
        max_length=300, help_text="Shown with the affected deliveries and kept in the audit log."
    )


BY_PROGRAMS: Mapping[Door, str] = {
    "portal": "Only staff of the platform do this.",
    "rest": "Programs put `suspension` with the tenant.",
}
TENANT_ACTIONS = declare_actions(
    Action[Tenant](
        name="set_limits",
        label="Limits",
        question=(
            "The limits apply to all API keys of this tenant together; one key can use half of "
            "each limit. Empty fields use the default."
        ),
        success="The limits have been saved.",
        run=set_tenant_limits,
        form=LimitsForm,
        icon="speed",
        withheld=FOR_STAFF,
    ),
    Action[Tenant](
        name="suspend",
        label="Suspend",
        question=(
            "Nothing is sent for a suspended tenant. New events are accepted and held, and sent "
            "when the tenant is restored."
        ),
        success="The tenant has been suspended.",
        run=suspend_tenant,
        form=SuspensionForm,
        is_available=lambda tenant: not tenant.suspended,
        icon="block",
        tone="danger",
        withheld=BY_PROGRAMS,
    ),
    Action[Tenant](
        name="restore",
        label="Restore",
        question="What was held for the tenant is sent now.",
        success="The tenant has been restored. Held deliveries are sent now.",
        run=restore_tenant,
        is_available=lambda tenant: tenant.suspended,
        icon="play_arrow",
        tone="primary",
        withheld=BY_PROGRAMS,
    ),
)
