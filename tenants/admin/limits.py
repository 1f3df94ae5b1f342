"""The limits of a tenant, set by staff."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from hub import staff
from hub.limits.catalogue import LIMITS
from tenants.forms import LimitsForm
from tenants.models import Tenant
from tenants.scoping import EVERYWHERE, reach


class LimitsMixin:
    """Before the admin of tenants: a button by which staff of the platform set quotas of their own."""

    @staff.verb(
        "Limits",
        icon="speed",
        form=LimitsForm,
        asks="How much this tenant may use, its API keys together; one key may use half of it. A field that is left "
        "empty takes the default.",
    )
    def set_limits(self, request: HttpRequest, tenant: Tenant, said: dict[str, Any], *, now: datetime) -> staff.Done:
        if reach(request.user) is not EVERYWHERE:
            raise staff.Declined("Only staff of the whole platform set the limits of a tenant.")
        before, tenant.limits = tenant.limits, {name: said[name] for name in LIMITS if said[name] is not None}
        tenant.save(update_fields=["limits"])
        return staff.Done("The limits are set.", before={"limits": before}, after={"limits": tenant.limits})
