"""The navigation of the portal and its current section."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Section:
    label: str | Promise
    page: str  # the name of a URL
    icon: str
    key: str  # `g` and this letter go there
    path_prefixes: tuple[str, ...]  # the prefixes of its URLs after /t/<tenant>/


SECTIONS = (
    Section(
        _("Connections"),
        "portal:home",
        "cable",
        "c",
        ("connections/", "mappings/", "changes/", "upcoming/"),
    ),
    Section(_("Integrations"), "portal:integrations", "play_circle", "i", ("integrations/",)),
    Section(_("Catalogue"), "portal:catalogue", "apps", "a", ("catalogue/", "connect/", "links/")),
    Section(_("Events"), "portal:events", "bolt", "e", ("events/", "deliveries/", "operations/")),
    Section(
        _("Scheduled"),
        "portal:jobs",
        "schedule",
        "j",
        ("jobs/", "runs/", "discrepancies/", "logs/"),
    ),
    Section(_("Endpoints"), "portal:endpoints", "webhook", "w", ("endpoints/", "webhooks/")),
    Section(_("Members"), "people:members", "group", "m", ("members/",)),
    Section(_("Settings"), "portal:settings", "settings", "s", ("settings/",)),
)

# of rows whose page is not called like their model
PAGE_NAMES = {
    "fieldmapping": "mapping",
    "inboundgap": "gap",
    "inbounditem": "incoming_item",
    "inboundsource": "source",
}


def list_menu_items(request: HttpRequest, reference: str) -> list[dict[str, Any]]:
    home = reverse("portal:home", args=[reference])
    path = request.path.removeprefix(home)
    return [
        {"section": section, "url": url, "current": is_current_section(section, path)}
        for section in SECTIONS
        if (url := reverse_or_empty(section.page, reference))
    ]


def reverse_or_empty(page: str, *args: object) -> str:
    """Return the URL; empty if this release has no such page."""
    try:
        return reverse(page, args=args)
    except NoReverseMatch:
        return ""


def reverse_object_page(page: str, tenant: Tenant, instance: Any) -> str:
    """Return the URL of a page about one of the tenant's objects, such as a connection."""
    return reverse(page, args=[tenant.reference, instance.public_id])


def reverse_row_page(row: Any, tenant: Tenant) -> str:
    """Return the URL of a row's own page; most pages have the name of its model."""
    name = row._meta.model_name
    if name == "connection" and row.is_tenant_endpoint:
        name = "endpoint"
    return reverse_object_page(f"portal:{PAGE_NAMES.get(name, name)}", tenant, row)


def is_current_section(section: Section, path: str) -> bool:
    return path.startswith(section.path_prefixes) or (section.page == "portal:home" and not path)
