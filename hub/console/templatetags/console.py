"""Template filters for states, times and numbers."""

from collections.abc import Callable
from typing import Any

from django import template
from django.contrib import admin
from django.db.models.options import Options
from django.utils.html import format_html
from django.utils.safestring import SafeString

from hub.connections.models import Connection
from hub.connections.status import effective_status
from hub.number_texts import format_number
from hub.outgoing.insight.explain import resolve_effective_state
from hub.outgoing.models import Delivery
from hub.staff.formatting import (
    render_badge,
    render_full_time,
    render_page_link,
    render_time,
)

register = template.Library()

FILTERS: dict[str, Callable[..., str]] = {
    "badge": render_badge,
    "moment": render_time,
    "moments": render_full_time,
    "number": format_number,
    "page_link": render_page_link,
}
for name, show in FILTERS.items():
    register.filter(name, show)


@register.filter
def shown_state(delivery: Delivery) -> str:
    """Return the label of the effective state, by the delivery's tenant, route and connection."""
    return resolve_effective_state(delivery).state


@register.filter
def connection_state(connection: Connection) -> str:
    """Return the label of the effective state, which depends on the connection's lane."""
    return effective_status.determine_effective_state(connection)


@register.filter
def list_title(opts: Options) -> str:
    """Return the title of the list of a model: its name in the menu and above its pages."""
    page: Any = admin.site._registry[opts.model]
    title: str = page.title_of_list()
    return title


@register.simple_tag(name="tile")
def render_tile(label: str, value: str, unit: str) -> SafeString:
    """Render a figure with its label and what is counted."""
    return format_html(
        '<div class="hub-card hub-tile"><span class="hub-tile-label">{}</span>'
        '<span class="hub-tile-value">{}</span><span class="hub-quiet">{}</span></div>',
        label,
        value,
        unit,
    )
