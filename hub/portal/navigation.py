"""Where a customer can go, and where they are."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Section:
    label: str | Promise
    page: str  # a name of the addresses
    icon: str
    key: str  # `g` and this letter go there
    below: tuple[str, ...]  # what its addresses begin with, after /t/<tenant>/


SECTIONS = (
    Section(_("Connections"), "portal:home", "cable", "c", ("connections/",)),
    Section(_("Catalogue"), "portal:catalogue", "apps", "a", ("catalogue/", "connect/", "links/")),
    Section(_("Events"), "portal:events", "bolt", "e", ("events/", "deliveries/", "operations/")),
    Section(_("Endpoints"), "portal:endpoints", "webhook", "w", ("endpoints/",)),
    Section(_("Members"), "people:members", "group", "m", ("members/",)),
    Section(_("Settings"), "portal:settings", "settings", "s", ("settings/",)),
)


def items(request: HttpRequest, reference: str) -> list[dict[str, Any]]:
    home = reverse("portal:home", args=[reference])
    here = request.path.removeprefix(home)
    return [
        {"section": section, "url": url, "current": is_at(section, here)}
        for section in SECTIONS
        if (url := address(section.page, reference))
    ]


def address(page: str, reference: str) -> str:
    """Empty where this release has no such page."""
    try:
        return reverse(page, args=[reference])
    except NoReverseMatch:
        return ""


def is_at(section: Section, here: str) -> bool:
    return here.startswith(section.below) or (section.page == "portal:home" and not here)
