"""Pages for staff: tenants, the people, and the keys of their programs."""

import secrets
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.db.models import Prefetch
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join

from hub import staff
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.limits.spending import tenant_usage
from tenants.admin.limits_action import LimitsMixin
from tenants.api_scopes import SCOPES
from tenants.forms import InviteForm, IssueKeyForm, NewUserForm, PasswordForm, UserForm
from tenants.models import ApiKey, Membership, Tenant, User
from tenants.scoping import ScopedAdminMixin
from tenants.services import membership_actions

MAX_CARDS = 24  # connections on a tenant's page
MAX_ROWS = 20


class MembershipFormSet(BaseInlineFormSet):
    """The members of a tenant as staff change them: an owner always stays."""

    def clean(self) -> None:
        super().clean()
        if not self.instance.pk or any(self.errors):
            return
        membership_actions.lock_tenant(
            self.instance
        )  # until this request's transaction ends, so that two changes see each other
        owners = membership_actions.find_owners(self.instance)
        shown_ids = {form.instance.pk for form in self.initial_forms}
        keeps_owner = owners.exclude(pk__in=shown_ids).exists() or any(
            map(self.is_owner, self.forms)
        )
        if owners.exists() and not keeps_owner:
            raise ValidationError(membership_actions.last_owner_message())

    def is_owner(self, form: ModelForm) -> bool:
        """Whether this row is an owner after the change."""
        data = form.cleaned_data
        has_owner_role = (
            form not in self.deleted_forms and data.get("role") == membership_actions.OWNER
        )
        return has_owner_role and data["user"].is_active


class MembershipInline(ScopedAdminMixin, staff.TabularInline):
    model = Membership
    formset = MembershipFormSet
    fields = ("user", "role")
    autocomplete_fields = ("user",)
    verbose_name_plural = "members"


@admin.register(Tenant)
class TenantAdmin(LimitsMixin, ScopedAdminMixin, staff.ModelAdmin):
    list_display = ("tenant_name", "reference", "connection_states", "state_badge", "created")
    list_filter = (("suspended_at", admin.EmptyFieldListFilter),)
    search_fields = ("reference", "^name")
    search_help_text = "A reference, or the beginning of a name."
    fields = ("name", "reference", "time_zone")
    inlines = (MembershipInline,)
    ordering = ("name",)
    row_actions = ("invite", "set_limits", "suspend", "restore")
    change_form_outer_before_template = "console/tenant.html"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return super().get_queryset(request).prefetch_related("connections__lane")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # events and deliveries name it; it is suspended instead

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("reference",) if obj else ()

    def page_context(self, request: HttpRequest, tenant: Tenant) -> dict[str, Any]:
        """What belongs to the tenant, as far as the person may see it."""
        has_permission = request.user.has_perm
        connections = tenant.connections.select_related("lane")[:MAX_CARDS]
        return {
            "tenant": tenant,
            "connections": connections if has_permission("connections.view_connection") else (),
            "limits": tenant_usage(tenant, now=clock()),
            "routes": tenant.routes.order_by("name")[:MAX_ROWS]
            if has_permission("outgoing.view_route")
            else (),
            "keys": tenant.api_keys.order_by("-id")[:MAX_ROWS]
            if has_permission("tenants.view_apikey")
            else (),
        }

    @staff.display(description="tenant", ordering="name")
    def tenant_name(self, tenant: Tenant) -> str:
        return tenant.name

    @staff.display(description="connections")
    def connection_states(self, tenant: Tenant) -> str:
        """Each state once, with how many."""
        states = [connection.state for connection in tenant.connections.all()]
        if not states:
            return format_html('<span class="hub-quiet">{}</span>', "none yet")
        badges = (
            (staff.render_badge(state, f"{states.count(state)} {state.replace('_', ' ')}"),)
            for state in sorted(set(states))
        )
        return format_html(
            '<span class="hub-badges">{}</span>', format_html_join(" ", "{}", badges)
        )

    @staff.display(description="state")
    def state_badge(self, tenant: Tenant) -> str:
        return staff.render_badge("suspended" if tenant.suspended else "active")

    @staff.display(description="created", ordering="created_at")
    def created(self, tenant: Tenant) -> str:
        return staff.render_time(tenant.created_at)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        for verb, memberships in (
            ("membership.create", formset.new_objects),
            ("membership.change_role", [membership for membership, _ in formset.changed_objects]),
            ("membership.remove", formset.deleted_objects),
        ):
            for membership in memberships:
                staff.audit_staff_action(
                    request,
                    verb,
                    membership,
                    after={"email": membership.user.email, "role": membership.role},
                )

    @staff.row_action(
        "Invite",
        icon="mail",
        form=InviteForm,
        question="A mail goes to this address, with a link for seven days. The first owner invites everybody else.",
    )
    def invite(
        self, request: HttpRequest, tenant: Tenant, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        actor = ActorContext.of_request(request)
        try:
            membership_actions.invite_member(
                tenant, data["email"], data["role"], actor, random=secrets.token_bytes, now=now
            )
        except membership_actions.MembershipRejected as rejection:
            raise staff.ActionRejected(str(rejection)) from rejection
        return staff.ActionResult(
            f"An invitation is on its way to {data['email']}.", is_audited=True
        )

    @staff.row_action(
        "Suspend",
        icon="block",
        tone="danger",
        is_available=lambda tenant: not tenant.suspended,
        form=staff.ReasonForm,
        question="Nothing is sent for a suspended tenant. What arrives meanwhile is accepted and held, and goes when the "
        "tenant is restored.",
    )
    def suspend(
        self, request: HttpRequest, tenant: Tenant, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        tenant.suspend(data["reason"], now=now)
        return staff.ActionResult(f"{tenant} is suspended.", after={"suspended": True})

    @staff.row_action(
        "Restore", icon="play_arrow", tone="primary", is_available=lambda tenant: tenant.suspended
    )
    def restore(
        self, request: HttpRequest, tenant: Tenant, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        before = tenant.suspension
        tenant.restore(now=now)
        return staff.ActionResult(
            f"{tenant} is restored; what was held goes out now.", before={"suspended": before}
        )


def _key_state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at:
        return "revoked"
    return "expired" if key.expires_at and key.expires_at <= now else "active"


@admin.register(ApiKey)
class ApiKeyAdmin(ScopedAdminMixin, staff.ModelAdmin):
    list_display = (
        "name",
        "public_part",
        "owner_link",
        "state",
        "scope_names",
        "last_used",
        "expiry",
    )
    list_filter = (("tenant", staff.RelatedFilter), ("revoked_at", admin.EmptyFieldListFilter))
    search_fields = ("prefix",)
    search_help_text = "The public part: the 8 characters after hub_live_."
    ordering = ("-id",)
    fields = (
        "name",
        "owner_link",
        "public_part",
        "state",
        "scope_meanings",
        "full_expiry",
        "last_used",
        "created",
        "created_by",
    )
    readonly_fields = fields[1:]
    row_actions = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return super().get_queryset(request).select_related("tenant", "created_by").defer("digest")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a key that was revoked stays, so that the audit can name it

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Issue a key; its text stands on the answer to this POST and nowhere else."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if redirect := staff.reauthentication_redirect(request):
            return redirect
        form = IssueKeyForm(request.POST or None, request=request, site=self.admin_site)
        if request.method == "POST" and form.is_valid() and (text := self.issue(request, form)):
            return self.page(
                request,
                "console/key_issued.html",
                text=text,
                key=form.key,
                title="Copy the key now",
            )
        return self.page(
            request,
            "console/form.html",
            form=form,
            title="Issue an API key",
            submit="Issue the key",
        )

    @transaction.atomic
    def issue(self, request: HttpRequest, form: IssueKeyForm) -> str:
        now = clock()
        try:
            form.key, text = ApiKey.issue(
                random=secrets.token_bytes, created_by=request.user, **form.key_fields(now=now)
            )
        except ValidationError as error:
            form.add_error(None, error.messages)
            return ""
        after = {
            "name": form.key.name,
            "scopes": form.key.scopes,
            "expires_at": form.key.expires_at,
        }
        staff.audit_staff_action(request, "apikey.issue", form.key, now=now, after=after)
        return text

    @staff.display(description="public part")
    def public_part(self, key: ApiKey) -> str:
        return format_html('<code class="hub-mono">{}…</code>', key.prefix)

    @staff.display(description="of")
    def owner_link(self, key: ApiKey) -> str:
        return staff.render_page_link(key.tenant) if key.tenant else "the platform"

    @staff.display(description="state")
    def state(self, key: ApiKey) -> str:
        return staff.render_badge(_key_state(key, clock()))

    @staff.display(description="may")
    def scope_names(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @staff.display(description="may")
    def scope_meanings(self, key: ApiKey) -> str:
        scope_rows = ((scope, SCOPES[scope].meaning) for scope in key.scopes if scope in SCOPES)
        return format_html_join("", '<div><code class="hub-mono">{}</code> {}</div>', scope_rows)

    @staff.display(description="last used")
    def last_used(self, key: ApiKey) -> str:
        return staff.render_time(key.last_used_at) if key.last_used_at else "never"

    @staff.display(description="expiry")
    def expiry(self, key: ApiKey) -> str:
        return staff.render_time(key.expires_at) if key.expires_at else "never"

    @staff.display(description="expiry")
    def full_expiry(self, key: ApiKey) -> str:
        return staff.render_full_time(key.expires_at) if key.expires_at else "never"

    @staff.display(description="created")
    def created(self, key: ApiKey) -> str:
        return staff.render_full_time(key.created_at)

    @staff.row_action(
        "Revoke",
        icon="block",
        tone="danger",
        is_available=lambda key: key.revoked_at is None,
        form=staff.ReasonForm,
        question="A revoked key is refused at once, and cannot be brought back.",
    )
    def revoke(
        self, request: HttpRequest, key: ApiKey, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        key.revoke(now=now)
        return staff.ActionResult(f"The key {key} is revoked.", after={"revoked": True})


@admin.register(User)
class UserAdmin(ScopedAdminMixin, staff.ModelAdmin, DjangoUserAdmin):
    """People. Whoever has no tenant's way here is a superuser: a person belongs to many tenants."""

    form, add_form, change_password_form = UserForm, NewUserForm, PasswordForm
    list_display = ("email", "name", "is_staff", "is_superuser", "is_active", "tenants_of")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "^name")
    ordering = ("email",)
    filter_horizontal = ()
    row_actions = ("reset_factor",)
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("May", {"fields": ("is_active", "is_staff", "is_superuser", "user_permissions")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "is_staff", "password1", "password2")}),)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        memberships = Membership.unscoped.select_related("tenant")
        return super().get_queryset(request).prefetch_related(Prefetch("memberships", memberships))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A tenant keeps an owner: another one is made first."""
        is_only_owner = isinstance(obj, User) and bool(membership_actions.tenants_owned_alone(obj))
        return super().has_delete_permission(request, obj) and not is_only_owner

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "user_permissions":
            field.queryset = field.queryset.select_related("content_type")
        return field

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Another address is shown to be theirs by mail, at the next sign-in; so is that of a new person."""
        super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data:
            obj.emailaddress_set.all().delete()

    @staff.row_action(
        "Take the second factor away",
        icon="phonelink_erase",
        tone="danger",
        is_available=lambda user: user.authenticator_set.exists(),
        form=staff.ReasonForm,
        question="For somebody who lost both phone and recovery codes. Be sure who asks you: a password and a link to "
        "their address set up a new factor then.",
        sensitive=True,
    )
    def reset_factor(
        self, request: HttpRequest, user: User, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        user.authenticator_set.all().delete()
        return staff.ActionResult(
            f"{user} signs in by password, and sets up a second factor anew.",
            after={"factor": "none"},
        )

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """Whoever adds a person, or changes one's address or rights, shows who they are before."""
        adds_or_changes = object_id is None or request.method == "POST"
        if adds_or_changes and (redirect := staff.reauthentication_redirect(request)):
            return redirect
        return super().changeform_view(request, object_id, form_url, extra_context)

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        if redirect := staff.reauthentication_redirect(request):
            return redirect
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == 302:
            staff.audit_staff_action(request, "user.change_password", self.get_object(request, id))
        return response

    @staff.display(description="tenants")
    def tenants_of(self, user: User) -> str:
        return ", ".join(membership.tenant.name for membership in user.memberships.all()) or "–"
