"""The wall between tenants: every model states its way to the tenant once, and rows are asked for by tenant."""

from collections.abc import Callable, Collection
from typing import Any

from django.db import models
from django.db.models import Q
from django.http import Http404, HttpRequest

Tenants = Collection[Any] | models.QuerySet | None  # what `reach()` of a person or a key gives: ids of tenants
Allowed = Callable[[type[models.Model], Tenants], Q]
EVERYWHERE: Tenants = None
NOWHERE: Tenants = ()

SECRET_COLUMNS = {"password", "digest", "sealed"}  # nobody searches by them: a search that answers yes or no tells them


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
    return readable(model, [getattr(tenant, "pk", tenant)])


class Scoped(models.Model):
    """Furniture of every model that belongs to a tenant. `TENANT` is the way there: "tenant", "connection__tenant".

    The way goes through foreign keys only. Where the model is SHARED, rows without a tenant are every tenant's to
    read, and the platform's to change.
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
        """Rows of a tenant that only the platform changes, such as what goes over its own connection."""
        return None


def readable(model: type[models.Model], tenants: Tenants) -> Q:
    if tenants is EVERYWHERE:
        return Q()
    mine = own_rows(model, tenants)
    return mine | Q(**{f"{model.TENANT}__isnull": True}) if getattr(model, "SHARED", False) else mine


def changeable(model: type[models.Model], tenants: Tenants) -> Q:
    """The tenants' own rows, but for those that the model reserves for the platform."""
    if tenants is EVERYWHERE:
        return Q()
    rows = own_rows(model, tenants)
    reserved = model.reserved_for_platform() if issubclass(model, Scoped) else None
    return rows if reserved is None else rows & ~reserved


def own_rows(model: type[models.Model], tenants: Tenants) -> Q:
    """A model that states no way to a tenant is the platform's own."""
    way = getattr(model, "TENANT", None)
    return Q(**{f"{way}__in": tenants}) if way else Q(pk__in=())


def reach(user: Any) -> Tenants:
    """Of a person or a key; whoever is neither sees nothing."""
    return user.reach() if hasattr(user, "reach") else NOWHERE


def visible_to(model: type[models.Model], user: Any) -> models.QuerySet:
    """The rows that this person or key may see."""
    return model._default_manager.filter(readable(model, reach(user)))


def changeable_by(model: type[models.Model], user: Any) -> models.QuerySet:
    return model._default_manager.filter(changeable(model, reach(user)))


class ScopedAPIMixin:
    """Before a generic API view: of its `queryset` only the rows that the key may see. Others are not found."""

    request: Any

    def get_queryset(self) -> models.QuerySet:
        rows = super().get_queryset()
        allowed = readable if self.request.method in ("GET", "HEAD", "OPTIONS") else changeable
        return rows.filter(allowed(rows.model, reach(self.request.user)))


class ScopedAdminMixin:
    """Before a ModelAdmin or an inline: another tenant's rows are not listed, found, chosen, counted or searched by."""

    model: type[models.Model]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return super().get_queryset(request).filter(readable(self.model, reach(request.user)))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name != getattr(self.model, "TENANT", "").partition("__")[0]:
            self.limit_choices(readable, db_field, request, kwargs)
        else:  # the row will belong to whom this is: a row of nobody, or below the platform's, is the platform's
            self.limit_choices(changeable, db_field, request, kwargs)
            kwargs |= {} if reach(request.user) is EVERYWHERE else {"required": True}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        self.limit_choices(readable, db_field, request, kwargs)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def limit_choices(self, allowed: Allowed, db_field: Any, request: HttpRequest, kwargs: dict[str, Any]) -> None:
        rows = kwargs.get("queryset")
        if rows is None:
            rows = self.get_field_queryset(kwargs.get("using"), db_field, request)
        if rows is None:
            rows = db_field.remote_field.model._default_manager.all()
        kwargs["queryset"] = rows.filter(allowed(rows.model, reach(request.user)))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and among(visible_to, request.user, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and among(changeable_by, request.user, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and among(changeable_by, request.user, obj)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return not SECRET_COLUMNS & set(lookup.split("__")) and super().lookup_allowed(lookup, value, request)

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> Any:
        raise Http404(f"{opts.verbose_name} {object_id}")


def among(rows: Any, user: Any, obj: models.Model | None) -> bool:
    """An inline is asked about its parent, so the object says which rows are meant; a new one is in nobody's yet."""
    if obj is None or obj.pk is None or reach(user) is EVERYWHERE:
        return True
    return rows(type(obj), user).filter(pk=obj.pk).exists()


class ScopedChoicesMixin:
    """Before a related list filter: the choices beside a list do not tell of other tenants either."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        ordering = self.field_admin_ordering(field, request, model_admin)
        allowed = readable(field.remote_field.model, reach(request.user))
        return field.get_choices(include_blank=False, ordering=ordering, limit_choices_to=allowed)
