"""A tenant's own settings, with their row in the audit."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from hub import audit
from hub.operations.start import Hand
from tenants.models import Tenant


@transaction.atomic
def settle(tenant: Tenant, changes: Mapping[str, Any], hand: Hand, *, now: datetime) -> None:
    held = Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    before = {name: getattr(held, name) for name in changes}
    for name, value in changes.items():
        setattr(held, name, value)
    held.save(update_fields=list(changes))
    audit.record(verb="tenant.change", obj=held, tenant=held, before=before, after=changes, now=now, **hand.said)
