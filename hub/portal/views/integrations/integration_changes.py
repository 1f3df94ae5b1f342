"""Change a tenant's integration: its answers and version; pause, resume and remove it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.db.state_machine import InvalidTransition
from hub.portal.integrations.answer_form import AnswerForm, build_initial
from hub.portal.views.integrations.integration_pages import get_integration
from hub.portal.views.integrations.switch_on_pages import (
    build_answer_form,
    redirect_to_integration,
)
from hub.recipes.answers import InvalidAnswers
from hub.recipes.integration_actions import (
    IntegrationExists,
    change_answers,
    pause_integration,
    remove_integration,
    resume_integration,
    upgrade_integration,
)
from hub.recipes.models import Integration
from hub.recipes.part_actions import PartRefused
from hub.recipes.upgrades import describe_upgrade
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Membership

ADMIN = Membership.Role.ADMIN
CHANGED_MEANWHILE = gettext_lazy("It was changed in the meantime, so nothing was done.")

SAME_ANSWERS = gettext_lazy(
    "Another one is on with these answers, so that everything would happen twice."
)


@dataclass(frozen=True, slots=True)
class IntegrationVerb:
    """An action of a visitor on an integration. `run`: called with it, actor and now."""

    run: Callable[..., Any]
    success_text: str | Promise


INTEGRATION_VERBS = {
    "pause": IntegrationVerb(
        pause_integration,
        gettext_lazy("It is paused. What happens until you resume it is not sent."),
    ),
    "resume": IntegrationVerb(
        resume_integration, gettext_lazy("It is on again. It works from now on.")
    ),
    "remove": IntegrationVerb(
        remove_integration, gettext_lazy("It has been removed with all that it made.")
    ),
}


@require_POST
@tenant_view(min_role=ADMIN)
def run_integration_action(
    request: HttpRequest, tenant_user: TenantUser, id: UUID, verb: str
) -> HttpResponse:
    if verb not in INTEGRATION_VERBS:
        raise Http404(verb)
    integration, action = get_integration(tenant_user, id), INTEGRATION_VERBS[verb]
    try:
        action.run(integration, ActorContext.of_visitor(request, tenant_user), now=clock())
    except InvalidTransition:
        messages.warning(request, str(CHANGED_MEANWHILE))
        return redirect_to_integration(tenant_user, integration)
    except PartRefused as refused:
        messages.warning(request, str(refused))
        return redirect_to_integration(tenant_user, integration)
    messages.success(request, str(action.success_text))
    if verb == "remove":
        reference = tenant_user.tenant.reference
        return HttpResponseRedirect(reverse("portal:integrations", args=[reference]))
    return redirect_to_integration(tenant_user, integration)


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
    except IntegrationExists:
        form.add_error(None, str(SAME_ANSWERS))
    except InvalidTransition:
        form.add_error(None, str(CHANGED_MEANWHILE))
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
