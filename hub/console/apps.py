from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin import apps as admin


class ConsoleConfig(AppConfig):
    name = "hub.console"
    label = "console"
    default = True

    def ready(self) -> None:
        import_module("hub.staff.door").listen()


class SiteConfig(admin.AdminConfig):
    """Django's admin, with our site."""

    default = False
    default_site = "hub.staff.site.Site"
