"""Admin pages of API keys."""

import secrets
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join

from hub import staff
from hub.audit import ActorContext
from hub.db.clock import clock
from tenants.api_scopes import SCOPES
from tenants.forms import IssueKeyForm
from tenants.models import ApiKey
from tenants.scoping import ScopedAdminMixin
from tenants.services.api_key_actions import KEY_ACTIONS, issue_api_key


def _key_state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at:
        return "revoked"
    return "expired" if key.expires_at and key.expires_at <= now else "active"


@admin.register(ApiKey)
class ApiKeyAdmin(ScopedAdminMixin, staff.ModelAdmin):
    empty_text = (
        "Our application and partners call the API with a key. It is shown once, when it is made."
    )
    empty_step = staff.EmptyStep(
        "Create an API key", "admin:tenants_apikey_add", "tenants.add_apikey"
    )
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
        "creation_time",
        "created_by",
    )
    readonly_fields = fields[1:]
    declared_actions = KEY_ACTIONS

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return super().get_queryset(request).select_related("tenant", "created_by").defer("digest")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a key that was revoked stays, so that the audit can name it

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Issue a key; only the response to this POST contains its text."""
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
            title="Create an API key",
            submit="Create the key",
        )

    def issue(self, request: HttpRequest, form: IssueKeyForm) -> str:
        """Return the text of the new key; empty when the form has errors."""
        now = clock()
        try:
            form.key, text = issue_api_key(
                form.key_fields(now=now),
                ActorContext.of_request(request),
                random=secrets.token_bytes,
                now=now,
            )
        except ValidationError as error:
            form.add_error(None, error.messages)
            return ""
        return text

    @staff.display(description="public part")
    def public_part(self, key: ApiKey) -> str:
        return format_html('<code class="hub-mono">{}…</code>', key.prefix)

    @staff.display(description="owner")
    def owner_link(self, key: ApiKey) -> str:
        return staff.render_page_link(key.tenant) if key.tenant else "Platform"

    @staff.display(description="state")
    def state(self, key: ApiKey) -> str:
        return staff.render_badge(_key_state(key, clock()))

    @staff.display(description="scopes")
    def scope_names(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @staff.display(description="scopes")
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
    def creation_time(self, key: ApiKey) -> str:
        return staff.render_full_time(key.created_at)
