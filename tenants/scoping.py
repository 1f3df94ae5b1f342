"""Isolation of tenants: each model declares its path to the tenant, by which queries filter."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models
from django.db.models import Q
from django.http import Http404, HttpRequest

if TYPE_CHECKING:
    from django.contrib.admin.filters import RelatedFieldListFilter as FilterBase
    from django.contrib.admin.options import BaseModelAdmin as AdminBase
else:
    AdminBase = FilterBase = object

# ids of tenants, as `accessible_tenants()` of a user or a key returns them
TenantIds = Collection[Any] | models.QuerySet | None
ConditionBuilder = Callable[[type[models.Model], TenantIds], Q]
ALL_TENANTS: TenantIds = None
NO_TENANTS: TenantIds = ()

# never in a look-up: whether a row matches would disclose these
SECRET_COLUMNS = {"password", "digest", "sealed"}


class TenantNotNamed(Exception):
    """A query for rows of a tenant did not specify the tenant."""


M = TypeVar("M", bound=models.Model, covariant=True)


class ScopedManager(models.Manager[M]):
    """Manager that offers `objects.of(tenant)` only; `unscoped` has the rows of all tenants."""

    def get_queryset(self) -> Any:
        raise TenantNotNamed(
            f"{self.model._meta.label}: name the tenant with objects.of(tenant), or say unscoped"
        )

    def of(self, tenant: models.Model | int | str | None) -> models.QuerySet[M]:
        """Return the tenant's rows, with the platform's if SHARED; for None the platform's only."""
        rows: models.QuerySet[M] = models.QuerySet(self.model, using=self._db)
        return rows.filter(tenant_condition(self.model, tenant))


def tenant_condition(model: type[models.Model], tenant: models.Model | int | str | None) -> Q:
    return readable_condition(model, [getattr(tenant, "pk", tenant)])


class Scoped(models.Model):
    """Base of models that belong to a tenant. `TENANT` is the path to it: "connection__tenant".

    The path uses foreign keys only. If the model is SHARED, every tenant may read the rows without
    a tenant, and only the platform may change them.
    """

    TENANT = "tenant"
    SHARED = False

    unscoped = models.Manager()
    objects = ScopedManager()

    class Meta:
        abstract = True
        default_manager_name = "unscoped"
        base_manager_name = "unscoped"

    @classmethod
    def reserved_for_platform(cls) -> Q | None:
        """Return the Q of a tenant's rows that only the platform may change; None without any.

        For example the deliveries over the platform's own connection.
        """
        return None


def readable_condition(model: type[models.Model], tenants: TenantIds) -> Q:
    if tenants is ALL_TENANTS:
        return Q()
    own_condition = _own_rows_condition(model, tenants)
    return (
        own_condition | Q(**{f"{tenant_path(model)}__isnull": True})
        if getattr(model, "SHARED", False)
        else own_condition
    )


def changeable_condition(model: type[models.Model], tenants: TenantIds) -> Q:
    """Return the Q condition of the tenants' own rows, without those reserved for the platform."""
    if tenants is ALL_TENANTS:
        return Q()
    rows = _own_rows_condition(model, tenants)
    reserved = model.reserved_for_platform() if issubclass(model, Scoped) else None
    return rows if reserved is None else rows & ~reserved


def _own_rows_condition(model: type[models.Model], tenants: TenantIds) -> Q:
    """Return the Q condition of these tenants' rows; without `TENANT` they are the platform's."""
    path = tenant_path(model)
    return Q(**{f"{path}__in": tenants}) if path else Q(pk__in=())


def tenant_path(model: type[models.Model]) -> str:
    """Return the look-up path from the model to its tenant; "" if its rows are the platform's."""
    path: str = getattr(model, "TENANT", "")
    return path


def accessible_tenants(user: object) -> TenantIds:
    """Return the tenants of a user or an API key; an empty queryset for anything else."""
    return user.accessible_tenants() if hasattr(user, "accessible_tenants") else NO_TENANTS


def visible_rows(model: type[models.Model], user: object) -> models.QuerySet:
    """Return the rows that this user or API key may see."""
    return model._default_manager.filter(readable_condition(model, accessible_tenants(user)))


def changeable_rows(model: type[models.Model], user: object) -> models.QuerySet:
    return model._default_manager.filter(changeable_condition(model, accessible_tenants(user)))


class ScopedAdminMixin(AdminBase):
    """Mixin of a ModelAdmin or inline: another tenant's rows are neither listed nor reachable."""

    model: type[models.Model]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return (
            super()
            .get_queryset(request)
            .filter(readable_condition(self.model, accessible_tenants(request.user)))
        )

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name != tenant_path(self.model).partition("__")[0]:
            self.limit_choices(readable_condition, db_field, request, kwargs)
        else:  # the field decides the row's owner; without a tenant the row is the platform's
            self.limit_choices(changeable_condition, db_field, request, kwargs)
            kwargs |= {} if accessible_tenants(request.user) is ALL_TENANTS else {"required": True}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        self.limit_choices(readable_condition, db_field, request, kwargs)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def limit_choices(
        self,
        build_condition: ConditionBuilder,
        db_field: Any,
        request: HttpRequest,
        kwargs: dict[str, Any],
    ) -> None:
        rows = kwargs.get("queryset")
        if rows is None:
            rows = self.get_field_queryset(kwargs.get("using"), db_field, request)
        if rows is None:
            rows = db_field.remote_field.model._default_manager.all()
        kwargs["queryset"] = rows.filter(
            build_condition(rows.model, accessible_tenants(request.user))
        )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and is_among(
            visible_rows, request.user, obj
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and is_among(
            changeable_rows, request.user, obj
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and is_among(
            changeable_rows, request.user, obj
        )

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return not SECRET_COLUMNS & set(lookup.split("__")) and super().lookup_allowed(
            lookup, value, request
        )

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> Any:
        raise Http404(f"{opts.verbose_name} {object_id}")


def is_among(
    rows_of: Callable[[type[models.Model], Any], models.QuerySet],
    user: object,
    obj: models.Model | None,
) -> bool:
    """Return whether the user may access this object of any model: inlines ask about parents."""
    if obj is None or obj.pk is None or accessible_tenants(user) is ALL_TENANTS:
        return True
    return rows_of(type(obj), user).filter(pk=obj.pk).exists()


class ScopedChoicesMixin(FilterBase):
    """Mixin of a related list filter: its choices do not reveal other tenants' rows."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        ordering = self.field_admin_ordering(field, request, model_admin)
        allowed = readable_condition(field.remote_field.model, accessible_tenants(request.user))
        choices: list[Any] = field.get_choices(
            include_blank=False, ordering=ordering, limit_choices_to=allowed
        )
        return choices
