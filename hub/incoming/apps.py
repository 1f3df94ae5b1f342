from django.apps import AppConfig


class IncomingConfig(AppConfig):
    name = "hub.incoming"
    label = "incoming"
