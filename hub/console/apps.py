from django.apps import AppConfig
from django.contrib.admin import apps as admin


class ConsoleConfig(AppConfig):
    name = "hub.console"
    label = "console"
    default = True


class SiteConfig(admin.SimpleAdminConfig):
    """Django's admin, with our site. Its pages are loaded with the addresses: a worker has no use for either."""

    default = False
    default_site = "hub.staff.site.AdminSite"
