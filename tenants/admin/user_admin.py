"""Admin pages of users."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db import models
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse

from hub import staff
from hub.audit import ActorContext
from hub.db.clock import clock
from tenants.forms import NewUserForm, PasswordForm, UserForm
from tenants.models import Membership, User
from tenants.scoping import ScopedAdminMixin
from tenants.services import membership_actions, user_actions


@admin.register(User)
class UserAdmin(  # type: ignore[misc]  # the stubs see two bases with the same methods
    ScopedAdminMixin, staff.ModelAdmin, DjangoUserAdmin
):
    """Users. Only superusers see them, as a user belongs to many tenants."""

    empty_text = "People sign in with an account of their own. Customers get theirs by invitation."
    empty_step = staff.EmptyStep("Add a person", "admin:tenants_user_add", "tenants.add_user")
    form, add_form, change_password_form = UserForm, NewUserForm, PasswordForm
    list_display = ("email", "name", "is_staff", "is_superuser", "is_active", "tenants_of")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "^name")
    ordering = ("email",)
    filter_horizontal = ()
    declared_actions = user_actions.USER_ACTIONS
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("May", {"fields": ("is_active", "is_staff", "is_superuser", "user_permissions")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "is_staff", "password1", "password2")}),)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        memberships = Membership.unscoped.select_related("tenant")
        return super().get_queryset(request).prefetch_related(Prefetch("memberships", memberships))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Forbid deleting the only owner of a tenant: another owner has to be added first."""
        is_only_owner = isinstance(obj, User) and bool(
            membership_actions.find_solely_owned_tenants(obj)
        )
        return super().has_delete_permission(request, obj) and not is_only_owner

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "user_permissions":
            field.queryset = field.queryset.select_related("content_type")
        return field

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save the user; a new or changed address must be confirmed by mail at the next sign-in."""
        super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data:
            obj.emailaddress_set.all().delete()
        if change and "is_active" in form.changed_data and not obj.is_active:
            membership_actions.report_user_left(obj, now=clock())

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete the user; owners of their tenants are told which connections they connected."""
        membership_actions.report_user_left(obj, now=clock())
        super().delete_model(request, obj)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """Require a recent login to add a user, or to change their address or rights."""
        adds_or_changes = object_id is None or request.method == "POST"
        if adds_or_changes and (redirect := staff.reauthentication_redirect(request)):
            return redirect
        response: HttpResponse = super().changeform_view(
            request, object_id, form_url, extra_context
        )
        return response

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        if redirect := staff.reauthentication_redirect(request):
            return redirect
        response = super().user_change_password(request, id, form_url)
        user = self.get_object(request, id)
        if user and request.method == "POST" and response.status_code == 302:
            actor = ActorContext.of_request(request)
            user_actions.audit_password_change(user, actor, now=clock())
        return response

    @staff.display(description="tenants")
    def tenants_of(self, user: User) -> str:
        return ", ".join(membership.tenant.name for membership in user.memberships.all()) or "–"
