"""The filter by tenant that every model inherits."""

import pytest
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.auth.models import AnonymousUser, Permission
from django.http import Http404
from django.test import RequestFactory

from hub.mappings.models import MappingVersion
from hub.outgoing.models import Route
from hub.problems import Problem
from tenants.access.api_authentication import ApiKeyUser, resolve_tenant
from tenants.models import ApiKey, Tenant, User
from tenants.scoping import (
    ScopedAdminMixin,
    TenantNotNamed,
    changeable_rows,
    visible_rows,
)

pytestmark = pytest.mark.django_db


class TenantAdmin(ScopedAdminMixin, ModelAdmin):
    search_fields = ("name",)


class ApiKeyAdmin(ScopedAdminMixin, ModelAdmin):
    list_filter = ("tenant",)


class RouteAdmin(ScopedAdminMixin, ModelAdmin):
    pass


class VersionAdmin(ScopedAdminMixin, ModelAdmin):
    pass


@pytest.fixture
def site():
    site = AdminSite()
    site.register(Tenant, TenantAdmin)
    site.register(ApiKey, ApiKeyAdmin)
    return site


@pytest.fixture
def keys_of_both(issue, acme, globex):
    return issue(acme)[0], issue(globex)[0], issue()[0]


@pytest.fixture
def staff(make, acme):
    user = make.staff(acme)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="tenants"))
    return user


def build_request(user, path="/", **query):
    request = RequestFactory().get(path, query)
    request.user = user
    return request


def test_rows_are_not_had_without_naming_the_tenant():
    with pytest.raises(TenantNotNamed, match="name the tenant"):
        ApiKey.objects.all()


def test_a_tenant_has_its_own_rows(keys_of_both, acme):
    assert list(ApiKey.objects.of(acme)) == [keys_of_both[0]]


def test_rows_without_a_tenant_belong_to_the_platform_unless_shared(keys_of_both):
    assert not ApiKey.objects.of(None)


def test_a_member_of_staff_sees_the_tenants_they_belong_to(keys_of_both, staff, acme):
    assert list(visible_rows(ApiKey, staff)) == [keys_of_both[0]]
    assert list(visible_rows(Tenant, staff)) == [acme]


def test_a_superuser_sees_every_tenant(keys_of_both, make):
    assert set(visible_rows(ApiKey, make.user(is_superuser=True))) == set(keys_of_both)


@pytest.mark.parametrize("model", [ApiKey, Tenant, User])
def test_strangers_see_nothing(keys_of_both, make, acme, model):
    left = make.staff(acme, is_active=False, is_superuser=True)
    assert not any(
        visible_rows(model, nobody) for nobody in (AnonymousUser(), None, make.user(), left)
    )


def test_what_is_no_tenants_is_the_platforms(staff):
    assert not visible_rows(User, staff)


def test_shared_rows_are_read_by_all_and_changed_by_the_platform(make, staff, acme, globex):
    mine, _, platforms = (make.route(tenant=tenant) for tenant in (acme, globex, None))
    assert set(visible_rows(Route, staff)) == {mine, platforms}
    assert set(changeable_rows(Route, staff)) == {mine}


def test_a_key_lists_its_tenants_rows_only(keys_of_both):
    mine, theirs, platforms = keys_of_both
    seen = {key: set(visible_rows(ApiKey, ApiKeyUser(key))) for key in keys_of_both}
    assert seen == {mine: {mine}, theirs: {theirs}, platforms: set(keys_of_both)}


def test_a_request_is_about_the_keys_tenant_or_the_one_it_names(keys_of_both, acme):
    mine, theirs, platforms = (build_request(ApiKeyUser(key)) for key in keys_of_both)
    assert [resolve_tenant(mine, name) for name in ("acme", "", None)] == [acme] * 3
    assert resolve_tenant(platforms, "acme") == acme
    for request, name, code in (
        (theirs, "acme", "tenant-not-found"),
        (theirs, 1, "tenant-not-found"),
        (platforms, {"a": 1}, "tenant-not-found"),
        (platforms, "a\0", "tenant-not-found"),
        (platforms, "ACME", "tenant-not-found"),
        (platforms, None, "tenant-required"),
    ):
        with pytest.raises(Problem) as refusal:
            resolve_tenant(request, name)
        assert refusal.value.code == code


def test_the_admin_lists_only_the_tenants_rows(keys_of_both, staff, site):
    assert list(site.get_model_admin(ApiKey).get_queryset(build_request(staff))) == [
        keys_of_both[0]
    ]


@pytest.mark.parametrize("view", ["change_view", "delete_view", "history_view"])
def test_another_tenants_row_is_not_found_in_the_admin(keys_of_both, staff, site, view):
    with pytest.raises(Http404):
        getattr(site.get_model_admin(ApiKey), view)(build_request(staff), str(keys_of_both[1].pk))


@pytest.mark.parametrize("verb", ["view", "change", "delete"])
def test_permissions_end_at_the_wall(keys_of_both, staff, site, verb):
    may = getattr(site.get_model_admin(ApiKey), f"has_{verb}_permission")
    assert [may(build_request(staff), key) for key in (None, *keys_of_both)] == [
        True,
        True,
        False,
        False,
    ]


def test_a_form_offers_the_tenants_one_belongs_to_and_not_none_of_them(
    staff, make, acme, globex, site
):
    field = ApiKey._meta.get_field("tenant")
    offered = site.get_model_admin(ApiKey).formfield_for_foreignkey(field, build_request(staff))
    assert (list(offered.queryset), offered.required) == ([acme], True)
    offered = site.get_model_admin(ApiKey).formfield_for_foreignkey(
        field, build_request(make.user(is_superuser=True))
    )
    assert (set(offered.queryset), offered.required) == ({acme, globex}, False)


def test_what_is_shared_can_be_chosen_but_nothing_can_be_put_below_it(make, staff, acme, globex):
    mine, _, platforms = (make.mapping(tenant) for tenant in (acme, globex, None))
    below, beside = VersionAdmin(MappingVersion, AdminSite()), RouteAdmin(Route, AdminSite())
    offered = below.formfield_for_foreignkey(
        MappingVersion._meta.get_field("mapping"), build_request(staff)
    )
    assert set(offered.queryset) == {mine}
    offered = beside.formfield_for_foreignkey(
        Route._meta.get_field("mapping"), build_request(staff)
    )
    assert set(offered.queryset) == {mine, platforms}


def test_suggestions_end_at_the_wall(staff, acme, globex, site):
    query = {"app_label": "tenants", "model_name": "apikey", "field_name": "tenant", "term": ""}
    answer = AutocompleteJsonView.as_view(admin_site=site)(build_request(staff, **query))
    assert b"Acme" in answer.content
    assert b"Globex" not in answer.content


def test_the_filters_beside_a_list_do_not_tell_of_other_tenants(staff, globex, keys_of_both, site):
    (tenant_filter,) = (
        site.get_model_admin(ApiKey).get_changelist_instance(build_request(staff)).filter_specs
    )
    assert [str(label) for _, label in tenant_filter.lookup_choices] == ["Acme"]


@pytest.mark.parametrize(
    "lookup", ["digest__startswith", "created_by__password__startswith", "digest"]
)
def test_a_secret_cannot_be_searched(staff, site, lookup):
    assert not site.get_model_admin(ApiKey).lookup_allowed(lookup, "a", build_request(staff))
