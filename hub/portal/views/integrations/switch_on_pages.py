"""Switch a recipe on: answer its questions, see a rehearsal, confirm."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from hub import egress
from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.portal.integrations.answer_form import AnswerForm, build_initial
from hub.portal.integrations.offers import (
    build_recipe_offer,
    find_connected_systems,
    is_platform_ready,
)
from hub.portal.navigation import reverse_object_page
from hub.portal.offered_choices import READ_AGAIN, OfferedChoices, load_offered_choices
from hub.problems import Refusal
from hub.recipes.answers import InvalidAnswers, list_usable_connections
from hub.recipes.definitions import RECIPES, Recipe
from hub.recipes.integration_actions import (
    IntegrationExists,
    switch_on_integration,
)
from hub.recipes.models import Integration
from hub.recipes.rehearsal import rehearse_integration
from tenants.access.tenant_users import (
    TenantUser,
    list_people_to_ask,
    render_role_missing,
    tenant_view,
)
from tenants.models import Membership

ADMIN = Membership.Role.ADMIN
ACCEPT, BACK = "on", "back"  # what a button says besides the answers
STEPS = (gettext_lazy("Choose"), gettext_lazy("Answer"), gettext_lazy("See it"), gettext_lazy("On"))


@dataclass(frozen=True, slots=True)
class QuestionData:
    """The accounts and lists that the form of a recipe offers a tenant."""

    connections: dict[str, list[Connection]]
    choices: dict[str, OfferedChoices]


def load_question_data(
    recipe: Recipe,
    tenant_user: TenantUser,
    selection: Mapping[str, Any],
    *,
    reads_again: bool,
) -> QuestionData:
    """Load the accounts, and the lists of the selected or oldest account of each system: the
    stored ones, or as the external systems list them now.
    """
    tenant = tenant_user.tenant
    connections = list_usable_connections(recipe, tenant)
    choices = {}
    for question in recipe.own_questions:
        usable = connections.get(question.connector) or []
        selected = [
            one for one in usable if str(one.public_id) == selection.get(question.connector)
        ]
        if question.kind != "choice":
            continue
        choices[question.key] = OfferedChoices()
        if not usable:
            continue
        choices[question.key] = load_offered_choices(
            (selected or usable)[0],
            question.choices,
            call=egress.send_request if reads_again else None,
            may_request=not tenant_user.support_visit,
            now=clock(),
        )
    return QuestionData(connections, choices)


def build_answer_form(
    request: HttpRequest, tenant_user: TenantUser, recipe: Recipe, initial: Mapping[str, Any]
) -> AnswerForm:
    """Build the form of a request; the button *Read the list again* answers no question yet."""
    data = request.POST.dict()
    reads_again = READ_AGAIN in data
    offered = load_question_data(recipe, tenant_user, data or initial, reads_again=reads_again)
    return AnswerForm(
        None if reads_again else data or None,
        initial={**initial, **data},
        recipe=recipe,
        connections=offered.connections,
        choices=offered.choices,
    )


def get_offered_recipe(key: str, connected: set[str]) -> Recipe:
    """Return a recipe that the tenant can switch on. Raises Http404."""
    recipe = RECIPES.get(key)
    if recipe is None or not is_platform_ready(recipe, connected):
        raise Http404(key)
    return recipe


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view()
def switch_on_view(request: HttpRequest, tenant_user: TenantUser, key: str) -> HttpResponse:
    """Ask the questions (GET), rehearse the answers, and switch it on (POST).

    Members read what the recipe does, and who can switch it on.
    """
    if request.method == "POST" and not tenant_user.can_manage:
        return render_role_missing(request, tenant_user, ADMIN)
    tenant = tenant_user.tenant
    connected = find_connected_systems(tenant)
    recipe = get_offered_recipe(key, connected)
    offer = build_recipe_offer(recipe, connected)
    context: dict[str, Any] = {
        "tenant_user": tenant_user,
        "recipe": recipe,
        "offer": offer,
        "labels": STEPS,
        "managers": list_people_to_ask(tenant_user, ADMIN),
    }
    if offer.missing or not tenant_user.can_manage:
        return render(request, "portal/integrations/switch_on.html", context)
    form = build_answer_form(request, tenant_user, recipe, build_initial(request.GET.dict()))
    context["form"] = form
    if request.method != "POST" or BACK in request.POST or not form.is_valid():
        return render(request, "portal/integrations/switch_on.html", context)
    try:
        if ACCEPT in request.POST:
            return accept_answers(request, tenant_user, recipe, form)
        context["rehearsal"] = rehearse_integration(recipe, tenant, form.answers, now=clock())
    except InvalidAnswers as invalid:
        form.add_answer_errors(invalid)
        return render(request, "portal/integrations/switch_on.html", context)
    except Refusal as refusal:
        form.add_error(None, str(refusal))
        return render(request, "portal/integrations/switch_on.html", context)
    return render(request, "portal/integrations/rehearsal.html", context)


def accept_answers(
    request: HttpRequest, tenant_user: TenantUser, recipe: Recipe, form: AnswerForm
) -> HttpResponse:
    """Switch the recipe on, and redirect to the integration's page. Raises InvalidAnswers."""
    actor = ActorContext.of_visitor(request, tenant_user)
    try:
        integration = switch_on_integration(
            recipe, tenant_user.tenant, form.answers, actor, names=form.names, now=clock()
        )
    except IntegrationExists as exists:
        messages.info(request, _("It is on with these answers already."))
        return redirect_to_integration(tenant_user, exists.integration)
    messages.success(request, _("It is on. It works from now on."))
    return redirect_to_integration(tenant_user, integration)


def redirect_to_integration(
    tenant_user: TenantUser, integration: Integration
) -> HttpResponseRedirect:
    return HttpResponseRedirect(
        reverse_object_page("portal:integration", tenant_user.tenant, integration)
    )
