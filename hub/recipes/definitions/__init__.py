"""Recipes as files: their content, and how they are loaded, checked and filled in."""

from hub.recipes.definitions.loading import RECIPES
from hub.recipes.definitions.recipe import (
    CONNECTION,
    JobTemplate,
    Question,
    Recipe,
    RouteTemplate,
)

__all__ = ["CONNECTION", "RECIPES", "JobTemplate", "Question", "Recipe", "RouteTemplate"]
