from django.apps import AppConfig


class SchemasConfig(AppConfig):
    name = "hub.schemas"
    label = "schemas"
