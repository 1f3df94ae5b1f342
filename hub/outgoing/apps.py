from django.apps import AppConfig


class OutgoingConfig(AppConfig):
    name = "hub.outgoing"
    label = "outgoing"
