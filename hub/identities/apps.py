from django.apps import AppConfig


class IdentitiesConfig(AppConfig):
    name = "hub.identities"
    label = "identities"
