from importlib import import_module

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "hub.notices"
    label = "notices"

    def ready(self) -> None:
        mail = import_module("hub.mail")
        preferences = import_module("hub.notices.preferences")
        mail.register_language_finder(preferences.find_preferred_language)
