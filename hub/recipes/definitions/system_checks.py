"""The check of the recipes at startup: `manage.py check` reports each that cannot work."""

from typing import Any

from django.core.checks import Error, register

from hub.recipes.definitions.loading import RECIPES
from hub.recipes.definitions.recipe_checks import find_recipe_problems


@register()
def check_recipes(**_options: Any) -> list[Error]:
    return [
        Error(f"The recipe {recipe.key}: {problem}", id="recipes.E001")
        for recipe in RECIPES.values()
        for problem in find_recipe_problems(recipe)
    ]
