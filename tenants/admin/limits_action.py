"""The limits of a tenant, set by staff."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from hub import staff
from hub.audit import ActorContext
from hub.limits.definitions import LIMITS
from tenants.forms import LimitsForm
from tenants.models import Tenant
from tenants.scoping import ALL_TENANTS, accessible_tenants
from tenants.services import tenant_actions


class LimitsMixin:
    """Mixin of the tenants' admin: a button for staff of the platform to set a tenant's limits."""

    @staff.row_action(
        "Limits",
        icon="speed",
        form=LimitsForm,
        question=(
            "The limits apply to all API keys of this tenant together; one key can use half of "
            "each limit. Empty fields use the default."
        ),
    )
    def set_limits(
        self, request: HttpRequest, tenant: Tenant, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        if accessible_tenants(request.user) is not ALL_TENANTS:
            raise staff.ActionRejected("Only platform staff can set the limits of a tenant.")
        limits = {name: data[name] for name in LIMITS if data[name] is not None}
        tenant_actions.set_tenant_limits(tenant, limits, ActorContext.of_request(request), now=now)
        return staff.ActionResult("The limits have been saved.")
