"""REST API of recipes: list, read and rehearse them."""

from typing import ClassVar

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.db.clock import clock
from hub.recipes.api.serializers import (
    RecipeSerializer,
    RehearsalSerializer,
    RehearseSerializer,
)
from hub.recipes.definitions import RECIPES, Recipe
from hub.recipes.rehearsal import rehearse_integration
from hub.rest import openapi
from hub.rest.validation import validate_data
from tenants.access.api_authentication import resolve_tenant

READ, WRITE = "integrations:read", "integrations:write"


def find_recipe(key: str) -> Recipe:
    if key not in RECIPES:
        raise Http404
    return RECIPES[key]


class RecipesView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @openapi.describe_operation(
        "recipes_list",
        "List recipes",
        {200: openapi.list_schema(RecipeSerializer, "RecipeList")},
    )
    def get(self, request: Request) -> Response:
        """List the ready-made integrations that can be switched on, each with its questions."""
        return Response({"items": RecipeSerializer(list(RECIPES.values()), many=True).data})


class RecipeView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @openapi.describe_operation(
        "recipes_read",
        "Read a recipe",
        {200: RecipeSerializer},
        problems=["not-found"],
    )
    def get(self, request: Request, key: str) -> Response:
        """Return a recipe with its questions."""
        return Response(RecipeSerializer(find_recipe(key)).data)


class RehearsalsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @openapi.describe_operation(
        "recipes_rehearse",
        "Rehearse a recipe",
        {200: RehearsalSerializer},
        problems=("not-found", "tenant-required", "tenant-not-found"),
        request=RehearseSerializer,
        requests=[openapi.request_example("a channel", {"answers": {"channel": "C024BE91L"}})],
    )
    def post(self, request: Request, key: str) -> Response:
        """Return what an integration with these answers would send for the newest real event, or
        for a sample. Nothing is stored or sent.
        """
        recipe = find_recipe(key)
        data = validate_data(RehearseSerializer, request.data)
        tenant = resolve_tenant(request, data.get("tenant"))
        rehearsal = rehearse_integration(recipe, tenant, data.get("answers", {}), now=clock())
        return Response(RehearsalSerializer(rehearsal).data)
