"""Describe what a recipe's newest version would change of an integration; nothing is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hub.recipes.answers import InvalidAnswers
from hub.recipes.definitions import Question, Recipe
from hub.recipes.documents import Change, Document, list_changes, merge_documents
from hub.recipes.integration_actions import RecipeUnavailable, check_merged_answers
from hub.recipes.models import Integration, IntegrationPart
from hub.recipes.part_actions import load_parts
from hub.recipes.part_plans import PlannedPart, has_same_nature, plan_parts, read_part_document


@dataclass(frozen=True, slots=True)
class PartDifference:
    """The changes of one part.

    `kept_paths`: the values that a person changed, and that the upgrade does not change.
    """

    key: str
    name: str
    kind: Literal["added", "changed", "removed", "replaced"]
    changes: Sequence[Change] = ()
    kept_paths: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The differences to the newest version of the recipe.

    `questions` must be answered first: they are new, or their answers are no longer valid.
    """

    from_version: int
    to_version: int
    questions: Sequence[Question]
    problems: Mapping[str, str]
    differences: Sequence[PartDifference]


def describe_upgrade(integration: Integration, answers: Mapping[str, Any] = {}) -> Upgrade | None:
    """Return what the newest version would change; None if there is no newer one.

    Raises RecipeUnavailable.
    """
    recipe = integration.recipe
    if recipe is None:
        raise RecipeUnavailable(integration.recipe_key)
    if not integration.has_newer_recipe:
        return None
    try:
        planned = plan_parts(recipe, check_merged_answers(recipe, integration, answers))
    except InvalidAnswers as invalid:
        return _build_upgrade(integration, recipe, invalid.errors, ())
    return _build_upgrade(integration, recipe, {}, _list_differences(integration, planned))


def _build_upgrade(
    integration: Integration,
    recipe: Recipe,
    problems: Mapping[str, str],
    differences: Sequence[PartDifference],
) -> Upgrade:
    asked = [
        question
        for question in recipe.questions
        if question.key in problems or question.key not in integration.answers
    ]
    return Upgrade(integration.recipe_version, recipe.version, asked, problems, differences)


def _list_differences(
    integration: Integration, planned_parts: Sequence[PlannedPart]
) -> list[PartDifference]:
    existing = {part.key: part for part in load_parts(integration)}
    differences = []
    for planned in planned_parts:
        part = existing.pop(planned.key, None)
        difference = _compare_part(part, planned)
        if difference.changes or difference.kind != "changed":
            differences.append(difference)
    for part in existing.values():
        document = read_part_document(part)
        differences.append(PartDifference(part.key, str(document["name"]), "removed"))
    return differences


def _compare_part(part: IntegrationPart | None, planned: PlannedPart) -> PartDifference:
    if part is None:
        changes = list_changes({}, planned.document)
        return PartDifference(planned.key, planned.name, "added", changes)
    current = read_part_document(part)
    if not has_same_nature(current, planned.document):
        changes = list_changes(current, planned.document)
        return PartDifference(planned.key, planned.name, "replaced", changes)
    merged = merge_documents(current, part.made, planned.document)
    return PartDifference(
        planned.key,
        planned.name,
        "changed",
        list_changes(current, merged),
        _list_kept_paths(merged, planned.document),
    )


def _list_kept_paths(merged: Document, wanted: Document) -> list[str]:
    """Return the paths at which a person's change is kept instead of the recipe's value."""
    return [change.path for change in list_changes(merged, wanted)]
