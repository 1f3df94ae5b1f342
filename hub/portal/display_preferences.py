"""The reader's display preferences: light or dark theme, and the time zone of times."""

from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from tenants.access.tenant_users import TenantUser
from tenants.models import available_time_zones

THEMES = ("", "light", "dark")
THEME_COOKIE, ZONE_COOKIE = "hub_theme", "hub_zone"
UTC = ZoneInfo("UTC")


def read_theme(request: HttpRequest) -> str:
    """Return the theme that the reader chose; empty: the theme of the operating system."""
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return theme if theme in THEMES else ""


def resolve_display_zone(request: HttpRequest | None) -> ZoneInfo:
    """Return the time zone that the reader chose, otherwise the tenant's, otherwise UTC."""
    zone_name = request.COOKIES.get(ZONE_COOKIE, "") if request else ""
    if zone_name in available_time_zones():
        return ZoneInfo(zone_name)
    tenant_user: TenantUser | None = getattr(request, "tenant_user", None)
    return ZoneInfo(tenant_user.tenant.time_zone) if tenant_user else UTC


def list_zones(request: HttpRequest | None) -> list[tuple[str, str]]:
    """Return the choices as pairs of value and label: UTC, the chosen zone and the tenant's zone.

    The value of the tenant's zone is empty.
    """
    tenant_user: TenantUser | None = getattr(request, "tenant_user", None)
    tenant_zone = {tenant_user.tenant.time_zone: ""} if tenant_user else {}
    current = resolve_display_zone(request).key
    return [
        (value, label) for label, value in ({"UTC": "UTC", current: current} | tenant_zone).items()
    ]


def resolve_logo_url() -> str:
    return reverse("portal:logo") if settings.HUB_LOGO else static("console/logo.svg")
