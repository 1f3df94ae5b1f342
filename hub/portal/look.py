"""How the pages look to whoever stands before them: light or dark, and in which zone times are told."""

from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from tenants.models import time_zones

THEMES = ("", "light", "dark")
THEME_COOKIE, ZONE_COOKIE = "hub_theme", "hub_zone"
UTC = ZoneInfo("UTC")


def theme_of(request: HttpRequest) -> str:
    """Empty: as the person's system has it."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""


def zone_of(request: HttpRequest | None) -> ZoneInfo:
    """The one that the person chose, otherwise the tenant's."""
    chosen = request.COOKIES.get(ZONE_COOKIE, "") if request else ""
    if chosen in time_zones():
        return ZoneInfo(chosen)
    visitor: Any = getattr(request, "visitor", None)
    return ZoneInfo(visitor.tenant.time_zone) if visitor else UTC


def zones(request: HttpRequest | None) -> list[tuple[str, str]]:
    """What is offered, as value and word: the tenant's (told by nothing), UTC, and what was chosen."""
    visitor: Any = getattr(request, "visitor", None)
    own = {visitor.tenant.time_zone: ""} if visitor else {}
    now = zone_of(request).key
    return [(value, word) for word, value in ({"UTC": "UTC", now: now} | own).items()]


def logo() -> str:
    return reverse("portal:logo") if settings.HUB_LOGO else static("console/logo.svg")
