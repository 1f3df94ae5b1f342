"""A tenant's own settings, with their row in the audit."""

from datetime import datetime

from django.db import transaction

from hub import audit
from hub.operations.start import Hand
from hub.portal.forms import TenantForm


@transaction.atomic
def settle(form: TenantForm, hand: Hand, *, now: datetime) -> None:
    tenant = form.save()
    changed = form.changed_data
    audit.record(
        actor=hand.actor,
        verb="tenant.change",
        obj=tenant,
        tenant=tenant,
        before={name: form.initial[name] for name in changed},
        after={name: form.cleaned_data[name] for name in changed},
        request_id=hand.request_id,
        ip=hand.ip,
        now=now,
    )
