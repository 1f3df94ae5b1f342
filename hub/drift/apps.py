from django.apps import AppConfig


class DriftConfig(AppConfig):
    name = "hub.drift"
    label = "drift"
