"""The recipes that a tenant can switch on, by words of a search."""

from collections.abc import Iterable
from dataclasses import dataclass

from connectors.base import Connector
from connectors.registry import CONNECTORS
from hub.connections.models import DISCONNECTED, Connection
from hub.recipes.definitions import RECIPES, Recipe
from hub.recipes.models import Integration
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class RecipeOffer:
    """A recipe with its systems; `missing` are those that the tenant must connect first."""

    recipe: Recipe
    connectors: tuple[Connector, ...]
    missing: tuple[Connector, ...]
    count: int  # how often the tenant has switched it on


def list_recipe_offers(tenant: Tenant, query: str = "") -> list[RecipeOffer]:
    """Return the recipes that match every word, those without missing systems first.

    Two queries. A recipe with our own application is left out if that is not connected.
    """
    connected = find_connected_systems(tenant)
    counts: dict[str, int] = {}
    integrations = Integration.objects.of(tenant).exclude(state="removed")
    for key in integrations.values_list("recipe_key", flat=True):
        counts[key] = counts.get(key, 0) + 1
    offers = [
        build_recipe_offer(recipe, connected, counts.get(recipe.key, 0))
        for recipe in _filter_recipes(RECIPES.values(), query)
        if is_platform_ready(recipe, connected)
    ]
    return sorted(offers, key=lambda offer: (len(offer.missing), offer.recipe.title))


def find_connected_systems(tenant: Tenant) -> set[str]:
    """Return the connectors of the tenant's connections and of the platform's; one statement."""
    connections = Connection.unscoped.filter(tenant=tenant) | Connection.unscoped.filter(
        tenant=None
    )
    usable = connections.exclude(state="disabled", reason=DISCONNECTED)
    return set(usable.values_list("connector_key", flat=True).distinct())


def build_recipe_offer(recipe: Recipe, connected: set[str], count: int = 0) -> RecipeOffer:
    connectors = tuple(CONNECTORS[key] for key in recipe.tenant_connectors)
    missing = tuple(connector for connector in connectors if connector.key not in connected)
    return RecipeOffer(recipe, connectors, missing, count)


def is_platform_ready(recipe: Recipe, connected: set[str]) -> bool:
    """Return whether our own application is connected, if the recipe needs it."""
    return set(recipe.connectors) - set(recipe.tenant_connectors) <= connected


def _filter_recipes(recipes: Iterable[Recipe], query: str) -> list[Recipe]:
    words = query.casefold().split()
    return [
        recipe for recipe in recipes if all(word in _build_search_text(recipe) for word in words)
    ]


def _build_search_text(recipe: Recipe) -> str:
    labels = (CONNECTORS[key].label for key in recipe.tenant_connectors)
    return " ".join((recipe.title, recipe.summary, *labels)).casefold()
