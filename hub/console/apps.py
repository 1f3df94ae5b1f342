from django.apps import AppConfig
from django.contrib.admin import apps as admin


class ConsoleConfig(AppConfig):
    name = "hub.console"
    label = "console"
    default = True


class SiteConfig(admin.SimpleAdminConfig):
    """Django's admin with our site. Its pages are loaded with the URLs, which a worker does not need."""

    default = False
    default_site = "hub.staff.site.AdminSite"
