from django.apps import AppConfig
from django.contrib.admin import apps as admin


class ConsoleConfig(AppConfig):
    name = "hub.console"
    label = "console"
    default = True


class SiteConfig(admin.SimpleAdminConfig):
    """Django's admin with our site; its pages load with the URLs, which workers do not load."""

    default = False
    default_site = "hub.staff.site.AdminSite"
