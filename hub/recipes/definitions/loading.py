"""Load the recipes from their files. The texts for people are translated when they are shown."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from hub.recipes.definitions.recipe import (
    JobTemplate,
    Option,
    Question,
    QuestionKind,
    Recipe,
    RouteTemplate,
)

CATALOGUE_PATH = Path(__file__).parent.parent / "catalogue"
# names in a file, by the fields that have other ones
QUESTION_NAMES = {
    "label": "marked_label",
    "help": "marked_help",
    "required": "is_required",
}
JOB_NAMES = {"effect": "marked_effect"}
RECIPE_KEYS = {
    "key",
    "version",
    "title",
    "summary",
    "connectors",
    "permissions",
    "questions",
    "routes",
    "jobs",
}


class RecipeUnreadable(ValueError):
    """A file is not a valid recipe; the message contains its name and the error."""


def load_recipes(folder: Path) -> dict[str, Recipe]:
    """Return the recipes of a folder by key, in the order of their keys. Raises RecipeUnreadable.

    The name of each file is the key of its recipe.
    """
    recipes = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            recipe = parse_recipe(tomllib.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError) as error:
            raise RecipeUnreadable(f"{path.name}: {type(error).__name__}: {error}") from error
        if recipe.key != path.stem:
            raise RecipeUnreadable(f"{path.name}: its key is {recipe.key}")
        recipes[recipe.key] = recipe
    return recipes


def parse_recipe(document: Mapping[str, Any]) -> Recipe:
    """Return the recipe of a file. Raises KeyError, TypeError or ValueError."""
    if unknown := document.keys() - RECIPE_KEYS:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    return Recipe(
        key=document["key"],
        version=document["version"],
        marked_title=document["title"],
        marked_summary=document["summary"],
        connectors=tuple(document["connectors"]),
        permissions={
            connector: tuple(keys) for connector, keys in document.get("permissions", {}).items()
        },
        own_questions=tuple(map(_parse_question, document.get("questions", ()))),
        routes=tuple(RouteTemplate(**entry) for entry in document.get("routes", ())),
        jobs=tuple(JobTemplate(**_rename(entry, JOB_NAMES)) for entry in document.get("jobs", ())),
    )


def _parse_question(entry: Mapping[str, Any]) -> Question:
    options = tuple(Option(option["value"], option["label"]) for option in entry.get("options", ()))
    question = Question(**_rename(entry, QUESTION_NAMES) | {"options": options})
    if question.kind not in get_args(QuestionKind):
        raise ValueError(f"{question.key} is a question of an unknown kind")
    return question


def _rename(entry: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in entry.items()}


RECIPES: Mapping[str, Recipe] = load_recipes(CATALOGUE_PATH)
