from importlib import import_module

from django.apps import AppConfig


class RecipesConfig(AppConfig):
    name = "hub.recipes"
    label = "recipes"

    def ready(self) -> None:
        import_module("hub.recipes.definitions.system_checks")  # which registers its check
