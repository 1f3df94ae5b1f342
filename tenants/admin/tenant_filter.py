"""The filter of a staff list by a tenant."""

from django.db.models import QuerySet
from django.http import HttpRequest

from hub.staff import TextFilter
from tenants.models import Tenant
from tenants.scoping import visible_rows


class TenantFilter(TextFilter):
    """Filter by the tenant's reference; a tenant that the user may not see yields an empty list."""

    title = "tenant (its reference)"
    parameter_name = "tenant"
    path = "tenant"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        tenants = visible_rows(Tenant, request.user).filter(
            reference=self.value().replace("\0", "")
        )
        return queryset.filter(**{f"{self.path}__in": list(tenants.values_list("pk", flat=True))})
