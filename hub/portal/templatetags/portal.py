"""How states, moments, numbers, ids and pictures look on every page of the portal."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest
from django.template.context import Context
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from connectors.base import Connector
from connectors.parts import Permission
from hub import plot, words
from hub.clock import clock
from hub.connections import permissions
from hub.portal import look, navigation, twins
from hub.portal.status import Step

register = template.Library()

SIZES = ("B", "kB", "MB", "GB")
BY_FORM = (gettext_lazy("What it does"), gettext_lazy("Fill in"), gettext_lazy("Test"))
BY_OAUTH = (gettext_lazy("What it does"), gettext_lazy("Authorize"), gettext_lazy("Confirm"))


@register.simple_tag
@cache  # dozens of the same few stand on a page
def icon(name: str) -> SafeString:
    """One of static/portal/icons.svg; a word stands beside it, so it is not read out."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', static("portal/icons.svg"), name
    )


@register.simple_tag
def badge(state: str, word: str = "") -> SafeString:
    """A state as icon, word and colour."""
    tone, picture = words.TONES.get(state, ("idle", "circle"))
    shown = word or words.state_word(state)
    return format_html('<span class="badge {}">{}{}</span>', tone, icon(picture), shown)


@register.simple_tag
def logo(connector: str) -> SafeString:
    """A picture drawn for this project; a connector that has none is shown by its first letters."""
    if pictured(connector):
        return format_html('<img class="logo" src="{}" alt="" width="40" height="40">', static(logo_of(connector)))
    return format_html('<span class="logo" aria-hidden="true">{}</span>', connector[:2])


def logo_of(connector: str) -> str:
    return f"portal/logos/{connector}.svg"


@cache
def pictured(connector: str) -> bool:
    return finders.find(logo_of(connector)) is not None


@register.filter
def needed(connector: Connector) -> list[Permission]:
    return [permission for permission in permissions.asked(connector) if not permission.optional]


@register.filter
def optional(connector: Connector) -> list[Permission]:
    return [permission for permission in permissions.asked(connector) if permission.optional]


@register.inclusion_tag("portal/parts/steps.html")
def steps(connector: Connector, at: int, guest: Any = False) -> dict[str, Any]:
    """How far somebody is who connects it; `at` from 1. A guest sees nothing of what is sent."""
    labels = BY_OAUTH if connector.needs_oauth else BY_FORM
    return {"labels": (*labels, _("Done") if guest else _("What is sent")), "at": at}


@register.filter
def tone(state: str) -> str:
    return words.TONES.get(state, ("idle", ""))[0]


@register.filter
def state_word(state: str) -> str:
    return words.state_word(state)


# --- times and numbers ---


@register.simple_tag(takes_context=True)
def ago(context: Context, at: datetime | None) -> SafeString | str:
    """Relative; exact on hover and focus, in the zone of whoever reads; ISO for machines."""
    if at is None:
        return "–"
    now = clock()
    told = _("in %(span)s") if at > now else _("%(span)s ago")
    return timed(context, at, told % {"span": span(abs(now - at))})


@register.simple_tag(takes_context=True)
def moment(context: Context, at: datetime | None) -> SafeString | str:
    """Absolute, where the time itself is what is told."""
    return "–" if at is None else timed(context, at, exact(at, context))


def timed(context: Context, at: datetime, words: str) -> SafeString:
    markup = '<time datetime="{}" data-exact="{}" tabindex="0">{}</time>'
    return format_html(markup, at.isoformat(timespec="seconds"), exact(at, context), words)


def exact(at: datetime, context: Context) -> str:
    local = at.astimezone(look.zone_of(context.get("request")))
    return f"{local:%Y-%m-%d %H:%M:%S} {local:%Z}"


@register.simple_tag
def countdown(until: datetime, whole: timedelta, label: str) -> SafeString:
    """Hours, minutes and seconds that are left, and how much of the whole that is; a script lets it run."""
    left = max(timedelta(0), until - clock())
    seconds = int(left.total_seconds())
    shown = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    markup = (
        '<p>{0}: <strong class="figure" data-until="{1}">{2}</strong></p>'
        '<progress max="{3}" value="{4}" aria-label="{0}"></progress>'
    )
    return format_html(markup, label, until.isoformat(timespec="seconds"), shown, int(whole.total_seconds()), seconds)


@register.filter
def span(length: timedelta | float) -> str:
    """The largest unit that fits: 3 days, 14 minutes."""
    seconds = int(length.total_seconds() if isinstance(length, timedelta) else length)
    if seconds >= 86400:
        return counted(seconds // 86400, ngettext("%(count)s day", "%(count)s days", seconds // 86400))
    if seconds >= 3600:
        return counted(seconds // 3600, ngettext("%(count)s hour", "%(count)s hours", seconds // 3600))
    if seconds >= 60:
        return counted(seconds // 60, ngettext("%(count)s minute", "%(count)s minutes", seconds // 60))
    return counted(seconds, ngettext("%(count)s second", "%(count)s seconds", seconds))


def counted(count: int, text: str) -> str:
    return text % {"count": f"{count:,}"}


@register.filter
def number(value: int, most: int | None = None) -> str:
    """1,204; beyond what was counted: 1,000+."""
    return f"{most:,}+" if most is not None and value > most else f"{value:,}"


@register.filter
def size(count: int) -> str:
    """Bytes in the unit that fits: 812 B, 3.4 kB."""
    value, unit = float(count), SIZES[0]
    for unit in SIZES:
        if value < 1000 or unit == SIZES[-1]:
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


# --- parts of a page ---


@register.simple_tag
def copyable(text: Any, label: str = "") -> SafeString:
    """An id or an address, with a button that copies it and says so."""
    markup = (
        '<span class="copyable"><code>{0}</code>'
        '<button type="button" class="copy" data-copy="{0}" data-copied="{2}" hidden>{3}<span class="spoken">{1}</span>'
        "</button></span>"
    )
    named = label or _("id")
    spoken = _("Copied: %(what)s") % {"what": named}
    return format_html(markup, text, _("Copy %(what)s") % {"what": named}, spoken, icon("content_copy"))


@register.inclusion_tag("portal/parts/plot.html", takes_context=True)
def stacks(
    context: Context, hours: Sequence[tuple[datetime, Sequence[int]]], parts: Any, caption: str
) -> dict[str, Any]:
    """A picture of numbers by hour, and the same as a table. `hours` are (when, numbers); `parts` (tone, word)."""
    zone = look.zone_of(context.get("request"))
    rows = [(f"{at.astimezone(zone):%a %H:%M}", numbers) for at, numbers in hours]
    drawn = plot.columns([numbers for _label, numbers in rows])
    return {
        "caption": caption,
        "parts": parts,
        "width": plot.WIDTH,
        "height": plot.HEIGHT,
        "columns": [
            {
                "label": label,
                "numbers": numbers,
                "x": column.x,
                "width": column.width,
                "blocks": [(part[0], block) for part, block in zip(parts, column.blocks, strict=True) if block.height],
            }
            for (label, numbers), column in zip(rows, drawn, strict=True)
        ],
    }


@register.inclusion_tag("portal/parts/pages.html")
def pages(newer: str = "", older: str = "", detail: str = "") -> dict[str, str]:
    """Links to the pages before and after this one; empty where there is none."""
    return {"newer": newer, "older": older, "detail": detail}


@register.simple_tag
def step_url(step: Step, tenant: str, id: UUID) -> str:
    return reverse(f"portal:{step.page}", args=[tenant, id])


# --- the frame ---


@register.simple_tag(takes_context=True)
def frame(context: Context) -> dict[str, Any]:
    """What the frame of a page needs: it works with a visitor and without one."""
    request: HttpRequest | None = context.get("request")
    visitor, asks = getattr(request, "visitor", None), context.get("api_asks", {})
    return {
        "name": settings.HUB_NAME,
        "logo": look.logo(),
        "theme": look.theme_of(request) if request else "",
        "themes": (("", _("As the system")), ("light", _("Light")), ("dark", _("Dark"))),
        "zone": look.zone_of(request).key,
        "zones": look.zones(request),
        "visitor": visitor,
        "sections": navigation.items(request, visitor.tenant.reference) if request and visitor else (),
        "curl": twins.curl(request, visitor.tenant.reference, asks) if request and visitor else "",
    }
