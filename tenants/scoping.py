"""The wall between tenants: every model states its way to the tenant once, and rows are asked for by tenant."""

from typing import Any

from django.db import models
from django.db.models import Q


class Unscoped(Exception):
    """Rows of a tenant were asked for without naming the tenant."""


class ScopedManager(models.Manager):
    """`objects.of(tenant)` and nothing else; whoever needs every tenant's rows says `unscoped`."""

    def get_queryset(self) -> Any:
        raise Unscoped(f"{self.model._meta.label}: name the tenant with objects.of(tenant), or say unscoped")

    def of(self, tenant: Any) -> models.QuerySet:
        """The tenant's rows; those of the platform too, where the model is SHARED with all tenants."""
        rows = models.QuerySet(self.model, using=self._db)
        return rows.filter(belongs_to(self.model, tenant))


def belongs_to(model: type[models.Model], tenant: Any) -> Q:
    way = model.TENANT
    mine = Q(**{way: tenant})
    return mine | Q(**{f"{way}__isnull": True}) if getattr(model, "SHARED", False) else mine


class Scoped(models.Model):
    """Furniture of every model that belongs to a tenant. `TENANT` is the way there: "tenant", "connection__tenant"."""

    TENANT = "tenant"
    SHARED = False

    unscoped = models.Manager()
    objects = ScopedManager()

    class Meta:
        abstract = True
        default_manager_name = "unscoped"
        base_manager_name = "unscoped"
