"""URLs of recipes and integrations in the API."""

from django.urls import path

from hub.recipes.api.integrations import (
    INTEGRATION_ACTION_URLS,
    ActivityView,
    IntegrationsView,
    IntegrationView,
    UpgradeView,
)
from hub.recipes.api.recipes import RecipesView, RecipeView, RehearsalsView

urlpatterns = [
    path("recipes", RecipesView.as_view(), name="recipes"),
    path("recipes/<slug:key>", RecipeView.as_view(), name="recipe"),
    path("recipes/<slug:key>/rehearsals", RehearsalsView.as_view(), name="recipe_rehearsals"),
    path("integrations", IntegrationsView.as_view(), name="integrations"),
    path("integrations/<uuid:id>", IntegrationView.as_view(), name="integration"),
    *INTEGRATION_ACTION_URLS,
    path("integrations/<uuid:id>/upgrade", UpgradeView.as_view(), name="integration_upgrade"),
    path("integrations/<uuid:id>/activity", ActivityView.as_view(), name="integration_activity"),
]
