"""Admin of integrations: the list, the page of one, and switching one on for a tenant."""

import json
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.problems import Refusal
from hub.recipes.answers import InvalidAnswers
from hub.recipes.forms import StaffIntegrationForm
from hub.recipes.integration_actions import (
    INTEGRATION_ACTIONS,
    IntegrationExists,
    switch_on_integration,
    upgrade_integration,
)
from hub.recipes.models import Integration
from hub.recipes.part_actions import load_parts
from hub.recipes.running import describe_integrations, list_accounts, list_answers
from hub.recipes.upgrades import describe_upgrade
from hub.staff import (
    ActionForm,
    ActionRejected,
    ActionResult,
    ChoicesFilter,
    EmptyStep,
    display,
    render_badge,
    row_action,
)
from tenants.admin.read_only_admin import ReadOnlyAdmin
from tenants.admin.tenant_filter import TenantFilter
from tenants.forms import list_suggested_tenants


@admin.register(Integration)
class IntegrationAdmin(ReadOnlyAdmin):
    page_template = "recipes/integration.html"
    live_template = "portal/integrations/week.html"
    list_before_template = "recipes/list_actions.html"
    declared_actions = INTEGRATION_ACTIONS
    row_actions = ("upgrade",)
    empty_text = (
        "A ready-made integration makes routes, field mappings and jobs for a tenant from a few "
        "answers. Tenants switch them on in their pages; none has."
    )
    empty_step = EmptyStep(
        "Switch an integration on", "admin:recipes_integration_new", "recipes.add_integration"
    )

    list_display = ("title", "shown_state", "customer", "version", "created_at")
    list_filter = (("state", ChoicesFilter), TenantFilter)
    list_select_related = ("tenant",)
    list_display_links = ("title",)
    search_fields = ("public_id",)
    search_help_text = "The id of an integration; exact"
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).exclude(state="removed").select_related("tenant")

    # --- switching on ---

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.new_view)
        return [path("new/", view, name="recipes_integration_new"), *super().get_urls()]

    def new_view(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("recipes.add_integration"):
            raise PermissionDenied
        form = StaffIntegrationForm(request.POST or None, user=request.user)
        if request.method == "POST" and form.is_valid():
            integration = self.switch_on(request, form)
            if integration is not None:
                messages.success(request, "The integration is on.")
                return HttpResponseRedirect(self.change_url(integration))
        tenants = list_suggested_tenants(request.user)
        context = {"form": form, "media": self.media, "tenants": tenants}
        return self.page(
            request, "recipes/integration_form.html", title="Switch an integration on", **context
        )

    def switch_on(self, request: HttpRequest, form: StaffIntegrationForm) -> Integration | None:
        """Switch the integration on, or show in the form why that is not possible."""
        data, actor = form.cleaned_data, ActorContext.of_request(request)
        try:
            return switch_on_integration(
                data["recipe"], data["tenant"], data["answers"], actor, now=clock()
            )
        except InvalidAnswers as invalid:
            form.add_answer_errors(invalid)
        except IntegrationExists as exists:
            return exists.integration
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        return None

    # --- columns ---

    @display(description="state")
    def shown_state(self, integration: Integration) -> str:
        return render_badge("enabled" if integration.state == "on" else "paused")

    @display(description="version")
    def version(self, integration: Integration) -> str:
        newer = " (newer exists)" if integration.has_newer_recipe else ""
        return f"{integration.recipe_version}{newer}"

    # --- its page ---

    def live_context(self, integration: Integration, *, now: datetime) -> dict[str, Any]:
        (running,) = describe_integrations(integration.tenant, [integration], now=now)
        return {"running": running, "shows_counts": True, "ended": True}

    def page_context(self, request: HttpRequest, integration: Integration) -> dict[str, Any]:
        return {
            "integration": integration,
            "parts": load_parts(integration),
            "answers": list_answers(integration),
            "accounts": list_accounts(integration),
            "stored_answers": json.dumps(integration.answers, indent=2, ensure_ascii=False),
            "upgrade": describe_upgrade(integration) if integration.has_newer_recipe else None,
        }

    # --- what can be done ---

    @row_action(
        "Apply the newer version",
        icon="upgrade",
        form=ActionForm,
        question="The difference is on its page. What a person changed is kept.",
        is_available=lambda integration: integration.has_newer_recipe,
        atomic=False,
    )
    def upgrade(
        self, request: HttpRequest, integration: Integration, data: dict[str, Any], *, now: datetime
    ) -> ActionResult:
        actor = ActorContext.of_request(request)
        try:
            upgrade_integration(integration, {}, actor, now=now)
        except InvalidAnswers as invalid:
            raise ActionRejected(f"The tenant must answer first: {invalid}") from None
        return ActionResult("The newer version applies from now on.")
