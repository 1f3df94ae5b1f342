from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "hub.notices"
    label = "notices"
