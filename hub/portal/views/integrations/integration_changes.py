"""Change a tenant's integration: its answers and version; pause, resume and remove it."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.portal.actions import ActionPages, build_action_view
from hub.portal.integrations.answer_form import AnswerForm, build_initial
from hub.portal.views.integrations.integration_pages import get_integration
from hub.portal.views.integrations.switch_on_pages import (
    build_answer_form,
    redirect_to_integration,
)
from hub.problems import Refusal
from hub.recipes.answers import InvalidAnswers
from hub.recipes.integration_actions import (
    INTEGRATION_ACTIONS,
    change_answers,
    upgrade_integration,
)
from hub.recipes.models import Integration
from hub.recipes.upgrades import describe_upgrade
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Membership

ADMIN = Membership.Role.ADMIN


run_integration_action = build_action_view(
    ActionPages(actions=INTEGRATION_ACTIONS, find=get_integration, list_page="portal:integrations")
)


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(min_role=ADMIN)
def change_answers_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Show the questions with their answers (GET); change them (POST)."""
    integration = get_integration(tenant_user, id)
    if not integration.has_current_recipe:
        return redirect_to_integration(tenant_user, integration)
    form = build_change_form(request, tenant_user, integration)
    if request.method == "POST" and form.is_valid():
        actor = ActorContext.of_visitor(request, tenant_user)
        if apply_answers(
            form,
            lambda: change_answers(integration, form.answers, actor, names=form.names, now=clock()),
        ):
            messages.success(request, _("Saved. It applies to what happens from now on."))
            return redirect_to_integration(tenant_user, integration)
    context = {"tenant_user": tenant_user, "integration": integration, "form": form}
    return render(request, "portal/integrations/change.html", context)


def build_change_form(
    request: HttpRequest, tenant_user: TenantUser, integration: Integration
) -> AnswerForm:
    assert integration.recipe is not None  # the views show this form only then
    initial = build_initial(integration.answers)
    return build_answer_form(request, tenant_user, integration.recipe, initial)


def apply_answers(form: AnswerForm, change: Callable[[], Integration]) -> bool:
    """Call the service function; add its errors about the answers to the form."""
    try:
        change()
    except InvalidAnswers as invalid:
        form.add_answer_errors(invalid)
    except Refusal as refusal:
        form.add_error(None, str(refusal))
    return form.is_valid()


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(min_role=ADMIN)
def upgrade_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Show what the newest version of the recipe would change (GET); apply it (POST)."""
    integration = get_integration(tenant_user, id)
    if not integration.has_newer_recipe:
        return redirect_to_integration(tenant_user, integration)
    form = build_change_form(request, tenant_user, integration)
    is_confirmed = request.method == "POST" and form.is_valid()
    answers = form.answers if is_confirmed else {}
    if is_confirmed:
        actor = ActorContext.of_visitor(request, tenant_user)
        if apply_answers(
            form,
            lambda: upgrade_integration(integration, answers, actor, names=form.names, now=clock()),
        ):
            messages.success(request, _("The newer version applies from now on."))
            return redirect_to_integration(tenant_user, integration)
    context = {
        "tenant_user": tenant_user,
        "integration": integration,
        "form": form,
        "upgrade": describe_upgrade(integration, answers),
    }
    return render(request, "portal/integrations/upgrade.html", context)
