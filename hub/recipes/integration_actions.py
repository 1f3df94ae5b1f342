"""Switch integrations on, change, pause, resume, upgrade and remove them.

Each action is one transaction and writes its audit row. Routes and jobs are created by their own
service functions, which audit them.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from hub.actions import Action, always, declare_actions
from hub.audit import ActorContext
from hub.db.state_machine import InvalidTransition
from hub.problems import Refusal
from hub.recipes.answers import CheckedAnswers, InvalidAnswers, check_answers
from hub.recipes.definitions import Recipe
from hub.recipes.models import Integration, IntegrationPart
from hub.recipes.part_actions import (
    apply_plan,
    check_part,
    compile_plan,
    delete_retired_parts,
    enable_part,
    load_parts,
    retire_part,
)
from hub.recipes.part_plans import plan_parts
from tenants.models import Tenant
from tenants.services.tenant_actions import lock_tenant

WRITE_SCOPE = "integrations:write"
MAX_INTEGRATIONS = 100  # of a tenant
MAX_NAME_LENGTH = 200  # of a chosen record
LATER_RELEASE_TEXT = gettext_noop(
    "A later release made this integration. Its answers can be changed once that release runs."
)


class IntegrationExists(Refusal):
    """The tenant has already switched on this recipe with these answers."""

    def __init__(self, integration: Integration) -> None:
        sentence = _(
            "“%(name)s” is on with these answers already, so that everything would happen twice."
        )
        super().__init__(sentence % {"name": integration.title})
        self.integration = integration


class TooManyIntegrations(Refusal):
    """The tenant has the maximal number of integrations."""

    code = "limit-reached"
    sentence = gettext_lazy(
        "Your organisation has as many integrations as it may have. Remove one first."
    )


class RecipeUnavailable(Refusal):
    """This release has no recipe with the integration's key."""

    sentence = gettext_lazy(
        "This release has no such recipe. The integration can be paused and removed."
    )


def switch_on_integration(
    recipe: Recipe,
    tenant: Tenant,
    answers: Mapping[str, Any],
    actor: ActorContext,
    *,
    names: Mapping[str, str] = {},
    now: datetime,
) -> Integration:
    """Create a recipe's routes and jobs for these answers. `names`: of chosen records, for display.

    Raises InvalidAnswers, IntegrationExists and TooManyIntegrations.
    """
    compile_plan((), plan_parts(recipe, check_answers(recipe, tenant, answers)))
    with transaction.atomic():
        lock_tenant(tenant)  # two clicks are one
        checked = check_answers(recipe, tenant, answers)
        _check_number_of_integrations(recipe, tenant, checked)
        integration = Integration.unscoped.create(
            tenant=tenant,
            recipe_key=recipe.key,
            recipe_version=recipe.version,
            answers=dict(checked.values),
            answer_names=_select_names(recipe, names, checked),
            created_by=actor.user,
            created_at=now,
            changed_at=now,
        )
        apply_plan(integration, plan_parts(recipe, checked), actor, now=now)
        after = {"recipe": recipe.key, "version": recipe.version, "answers": integration.answers}
        actor.audit("integration.switch_on", integration, after=after, now=now)
    return integration


def _check_number_of_integrations(recipe: Recipe, tenant: Tenant, checked: CheckedAnswers) -> None:
    existing = Integration.objects.of(tenant).exclude(state="removed")
    _check_answers_are_new(
        Integration(tenant=tenant, recipe_key=recipe.key, answers=dict(checked.values))
    )
    if existing.count() >= MAX_INTEGRATIONS:
        raise TooManyIntegrations


def _check_answers_are_new(integration: Integration) -> None:
    """Raise IntegrationExists if the tenant has an equal integration; the tenant is locked."""
    others = Integration.objects.of(integration.tenant).exclude(state="removed")
    others = others.filter(recipe_key=integration.recipe_key).exclude(pk=integration.pk)
    for other in others:
        if other.answers == integration.answers:
            raise IntegrationExists(other)


def _select_names(
    recipe: Recipe, names: Mapping[str, str], checked: CheckedAnswers
) -> dict[str, str]:
    return {
        question.key: names[question.key][:MAX_NAME_LENGTH]
        for question in recipe.own_questions
        if names.get(question.key) and checked.values[question.key]
    }


def change_answers(
    integration: Integration,
    answers: Mapping[str, Any],
    actor: ActorContext,
    *,
    names: Mapping[str, str] = {},
    now: datetime,
) -> Integration:
    """Change the given answers, and update the routes and jobs of the integration.

    Changes that a person made to a route, mapping or job are kept, unless a changed answer sets the
    same value. Raises InvalidAnswers, also if the recipe of this release has another version,
    IntegrationExists, InvalidTransition if it is removed, and RecipeUnavailable.
    """
    _compile_answers(integration, answers)
    with transaction.atomic():
        lock_tenant(integration.tenant)
        integration = lock_integration(integration)
        recipe = _require_recipe(integration)
        if integration.has_newer_recipe:
            raise InvalidAnswers({"recipe": _("Apply the newer version of the integration first.")})
        if not integration.has_current_recipe:
            raise InvalidAnswers({"recipe": _(LATER_RELEASE_TEXT)})
        before = integration.answers
        _apply_recipe(integration, recipe, answers, names, actor, now=now)
        if integration.answers != before:
            _check_answers_are_new(integration)
            actor.audit(
                "integration.change",
                integration,
                before={"answers": before},
                after={"answers": integration.answers},
                now=now,
            )
    return integration


def upgrade_integration(
    integration: Integration,
    answers: Mapping[str, Any],
    actor: ActorContext,
    *,
    names: Mapping[str, str] = {},
    now: datetime,
) -> Integration:
    """Apply the newest version of the recipe, if it is newer; `answers` are those to new questions.

    Changes that a person made are kept where both versions have the same value. Raises
    InvalidAnswers, InvalidTransition if it is removed, and RecipeUnavailable.
    """
    _compile_answers(integration, answers)
    with transaction.atomic():
        integration = lock_integration(integration)
        recipe, before = _require_recipe(integration), integration.recipe_version
        if not integration.has_newer_recipe:
            return integration
        integration.recipe_version = recipe.version
        _apply_recipe(integration, recipe, answers, names, actor, now=now)
        actor.audit(
            "integration.upgrade",
            integration,
            before={"version": before},
            after={"version": recipe.version, "answers": integration.answers},
            now=now,
        )
    return integration


def _compile_answers(integration: Integration, answers: Mapping[str, Any]) -> None:
    """Compile what the answers would give, before the transaction that checks and stores them."""
    recipe = integration.recipe
    with suppress(InvalidAnswers):
        if recipe is not None:
            checked = check_merged_answers(recipe, integration, answers)
            compile_plan(load_parts(integration), plan_parts(recipe, checked))


def _apply_recipe(
    integration: Integration,
    recipe: Recipe,
    answers: Mapping[str, Any],
    names: Mapping[str, str],
    actor: ActorContext,
    *,
    now: datetime,
) -> None:
    """Store the changed answers, and update routes and jobs by the recipe and all answers."""
    checked = check_merged_answers(recipe, integration, answers)
    apply_plan(integration, plan_parts(recipe, checked), actor, now=now)
    kept = {
        key: name
        for key, name in integration.answer_names.items()
        if integration.answers.get(key) == checked.values.get(key)
    }
    integration.answers = dict(checked.values)
    integration.answer_names = kept | _select_names(recipe, names, checked)
    integration.changed_at = now
    integration.save()


def check_merged_answers(
    recipe: Recipe, integration: Integration, answers: Mapping[str, Any]
) -> CheckedAnswers:
    """Return the answers with the changed ones, without former questions. Raises InvalidAnswers."""
    known = {question.key for question in recipe.questions}
    kept = {key: value for key, value in integration.answers.items() if key in known}
    return check_answers(recipe, integration.tenant, kept | dict(answers), stored_answers=kept)


@transaction.atomic
def pause_integration(
    integration: Integration, actor: ActorContext, *, reason: str = "", now: datetime
) -> Integration:
    """Disable its routes and jobs: events and due times in the meantime are skipped.

    Existing deliveries continue. Raises InvalidTransition unless it is on.
    """
    integration = lock_integration(integration)
    integration.transition_to("paused", changed_at=now)
    parts = load_parts(integration)
    for part in parts:
        part.was_disabled = not part.is_enabled
    IntegrationPart.unscoped.bulk_update(parts, ["was_disabled"])
    for part in parts:
        enable_part(part, actor, enabled=False, now=now)
    actor.audit("integration.pause", integration, reason=reason, now=now)
    return integration


def resume_integration(
    integration: Integration, actor: ActorContext, *, now: datetime
) -> Integration:
    """Enable its routes and jobs from now on, except those that a person disabled before the pause.

    Raises InvalidTransition unless it is paused, and PartRefused if one cannot be enabled as it is
    stored now.
    """
    for part in _load_resumed_parts(integration):  # compiles before the transaction
        check_part(part)
    with transaction.atomic():
        integration = lock_integration(integration)
        integration.transition_to("on", changed_at=now)
        for part in _load_resumed_parts(integration):
            enable_part(part, actor, enabled=True, now=now)
        actor.audit("integration.resume", integration, now=now)
    return integration


def _load_resumed_parts(integration: Integration) -> list[IntegrationPart]:
    return [part for part in load_parts(integration) if not part.was_disabled]


@transaction.atomic
def remove_integration(
    integration: Integration, actor: ActorContext, *, reason: str = "", now: datetime
) -> None:
    """Remove the integration with its routes, mappings and jobs.

    Those with a history are disabled now, and deleted when the history has been pruned. Raises
    InvalidTransition if it is removed already.
    """
    integration = lock_integration(integration)
    integration.transition_to("removed", changed_at=now)
    for part in load_parts(integration):
        retire_part(part, actor, now=now)
    before = {"recipe": integration.recipe_key, "answers": integration.answers}
    actor.audit("integration.remove", integration, reason=reason, before=before, now=now)
    delete_retired_parts(actor, now=now, integration=integration)


def lock_integration(integration: Integration) -> Integration:
    """Lock and return the stored row. Raises InvalidTransition if it is removed or deleted."""
    rows = Integration.unscoped.select_for_update(of=("self",), no_key=True)
    locked = rows.select_related("tenant").filter(pk=integration.pk).first()
    if locked is None or locked.state == "removed":
        raise InvalidTransition(integration, "removed")
    return locked


def _require_recipe(integration: Integration) -> Recipe:
    if integration.recipe is None:
        raise RecipeUnavailable
    return integration.recipe


INTEGRATION_ACTIONS = declare_actions(
    Action[Integration](
        name="pause",
        label=gettext_lazy("Pause"),
        question=gettext_lazy(
            "While it is paused, nothing new is sent. What happens meanwhile is not sent later."
        ),
        success=gettext_lazy("It is paused. What happens until you resume it is not sent."),
        summary="Pause an integration",
        run=pause_integration,
        is_available=lambda integration: integration.state == "on",
        scope=WRITE_SCOPE,
        asks_reason=always,
        icon="pause",
    ),
    Action[Integration](
        name="resume",
        label=gettext_lazy("Resume"),
        question=gettext_lazy("It takes events and runs its jobs from now on."),
        success=gettext_lazy("It is on again. It works from now on."),
        summary="Resume an integration",
        run=resume_integration,
        is_atomic=False,
        is_available=lambda integration: integration.state == "paused",
        scope=WRITE_SCOPE,
        icon="play_arrow",
        tone="primary",
    ),
    Action[Integration](
        name="remove",
        label=gettext_lazy("Remove this integration"),
        question=gettext_lazy(
            "All that it made is removed. Deliveries of the past stay in the log, and those that "
            "wait are still sent."
        ),
        success=gettext_lazy("It has been removed with all that it made."),
        run=remove_integration,
        asks_reason=always,
        icon="delete",
        tone="danger",
        removes=True,
        withheld={"rest": "Programs send DELETE to the URL of the integration."},
    ),
)
