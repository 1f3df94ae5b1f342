"""A tenant's own settings, with their row in the audit."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from hub import audit
from hub.audit import ActorContext
from tenants.models import Tenant


@transaction.atomic
def change_tenant_settings(
    tenant: Tenant, changes: Mapping[str, Any], actor: ActorContext, *, now: datetime
) -> None:
    locked_tenant = Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    before = {name: getattr(locked_tenant, name) for name in changes}
    for name, value in changes.items():
        setattr(locked_tenant, name, value)
    locked_tenant.save(update_fields=list(changes))
    audit.record(
        verb="tenant.change",
        obj=locked_tenant,
        tenant=locked_tenant,
        before=before,
        after=changes,
        now=now,
        **actor.audit_fields,
    )
