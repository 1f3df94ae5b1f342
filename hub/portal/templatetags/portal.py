"""Template tags for states, times, numbers, ids and icons of the portal."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.db.models import Model
from django.http import HttpRequest
from django.template.context import Context
from django.templatetags.static import static
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connectors.base import Connector
from connectors.schema import Permission
from hub import charts, state_texts
from hub.connections.status import connector_permissions
from hub.db.clock import clock
from hub.number_texts import (
    describe_distance,
    describe_length,
    format_count,
    format_number,
    format_rounded,
    format_whole,
)
from hub.portal import api_snippets, display_preferences, navigation
from hub.scheduled.insight.log_texts import describe_log_entry
from hub.scheduled.models import Run
from tenants.access.tenant_users import TenantUser

register = template.Library()

FIGURE_CLASS = SafeString(' class="figure"')
SIZES = ("B", "kB", "MB", "GB")
FORM_STEPS = (gettext_lazy("What it does"), gettext_lazy("Enter settings"), gettext_lazy("Test"))
OAUTH_STEPS = (gettext_lazy("What it does"), gettext_lazy("Authorize"), gettext_lazy("Confirm"))


@register.simple_tag(name="icon")
@cache  # a page shows the same few icons dozens of times
def render_icon(name: str) -> SafeString:
    """Render an icon of static/portal/icons.svg, hidden from screen readers: a label follows it."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>',
        static("portal/icons.svg"),
        name,
    )


@register.simple_tag(name="columns")
def render_columns(*titles: str, figures: str = "") -> SafeString:
    """Render the head of a table with the titles of its columns; `figures` are the numbers of
    those that hold figures, "2 3".
    """
    numbers = figures.split()
    cells = (
        (FIGURE_CLASS if str(number) in numbers else "", title)
        for number, title in enumerate(titles, 1)
    )
    heads = format_html_join("", '<th scope="col"{}>{}</th>', cells)
    return format_html("<thead><tr>{}</tr></thead>", heads)


@register.simple_tag(name="badge")
def render_badge(state: str, word: str = "") -> SafeString:
    """Render a state as icon, label and colour."""
    tone, icon_name = state_texts.STATE_TONES.get(state, ("idle", "circle"))
    label = word or state_texts.state_label(state)
    return format_html('<span class="badge {}">{}{}</span>', tone, render_icon(icon_name), label)


@register.simple_tag(name="logo")
def render_logo(connector: str) -> SafeString:
    """Render a connector's logo; its initials if it has none."""
    if has_logo(connector):
        return format_html(
            '<img class="logo" src="{}" alt="" width="40" height="40">',
            static(build_logo_path(connector)),
        )
    return format_html('<span class="logo" aria-hidden="true">{}</span>', connector[:2])


def build_logo_path(connector: str) -> str:
    return f"portal/logos/{connector}.svg"


@cache
def has_logo(connector: str) -> bool:
    return finders.find(build_logo_path(connector)) is not None


@register.filter(name="required_permissions")
def list_required_permissions(connector: Connector) -> list[Permission]:
    requested = connector_permissions.list_requested_permissions(connector)
    return [permission for permission in requested if not permission.optional]


@register.filter(name="optional_permissions")
def list_optional_permissions(connector: Connector) -> list[Permission]:
    requested = connector_permissions.list_requested_permissions(connector)
    return [permission for permission in requested if permission.optional]


@register.inclusion_tag("portal/parts/steps.html", name="steps")
def build_steps(connector: Connector, at: int, guest: bool = False) -> dict[str, Any]:
    """Render the steps of connecting; guests do not see the last one. at: the current step."""
    labels = OAUTH_STEPS if connector.needs_oauth else FORM_STEPS
    return {"labels": (*labels, _("Done") if guest else _("What is sent")), "at": at}


@register.filter(name="tone")
def choose_tone(state: str) -> str:
    return state_texts.STATE_TONES.get(state, ("idle", ""))[0]


@register.filter(name="state_word")
def translate_state(state: str) -> str:
    return state_texts.state_label(state)


# --- times and numbers ---


@register.simple_tag(takes_context=True, name="ago")
def format_ago(context: Context, at: datetime | None) -> SafeString | str:
    """Render a relative time; exact in the reader's zone on hover and focus, ISO for machines."""
    if at is None:
        return "–"
    words = describe_distance((at - clock()).total_seconds())
    markup = '<time datetime="{}" data-exact="{}" tabindex="0">{}</time>'
    return format_html(markup, at.isoformat(timespec="seconds"), format_exact(at, context), words)


@register.simple_tag(takes_context=True, name="moment")
def format_moment(context: Context, at: datetime | None) -> SafeString | str:
    """Render an absolute time."""
    if at is None:
        return "–"
    words = format_exact(at, context)
    return format_html('<time datetime="{}">{}</time>', at.isoformat(timespec="seconds"), words)


def format_exact(at: datetime, context: Context) -> str:
    local = at.astimezone(display_preferences.resolve_display_zone(context.get("request")))
    return f"{local:%Y-%m-%d %H:%M:%S} {local:%Z}"


def format_clock_time(at: datetime, context: Context) -> str:
    """Return the time of day in the reader's zone: 14:32."""
    zone = display_preferences.resolve_display_zone(context.get("request"))
    return f"{at.astimezone(zone):%H:%M}"


@register.simple_tag(name="countdown")
def render_countdown(until: datetime, total: timedelta, label: str) -> SafeString:
    """Render the remaining time and its share of the whole, which a script counts down."""
    remaining = max(timedelta(0), until - clock())
    seconds = int(remaining.total_seconds())
    clock_text = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    markup = (
        '<p>{0}: <strong class="figure" data-until="{1}">{2}</strong></p>'
        '<progress max="{3}" value="{4}" aria-label="{0}"></progress>'
    )
    return format_html(
        markup,
        label,
        until.isoformat(timespec="seconds"),
        clock_text,
        int(total.total_seconds()),
        seconds,
    )


@register.filter(name="span")
def format_span(length: timedelta | float) -> str:
    """Return a duration in its largest unit: 3 days, 14 minutes."""
    return describe_length(length.total_seconds() if isinstance(length, timedelta) else length)


register.filter("number", format_number)
register.filter("log_text", describe_log_entry)


@register.filter(name="size")
def format_size(count: int) -> str:
    """Return bytes in a suitable unit: 812 B, 3.4 kB."""
    value, unit = float(count), SIZES[0]
    for unit in SIZES:
        if value < 1000 or unit == SIZES[-1]:
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{format_rounded(value)} {unit}"


# --- parts of a page ---


@register.simple_tag(name="copyable")
def render_copyable(text: Any, label: str = "") -> SafeString:
    """Render an id or an address with a button that copies it."""
    markup = (
        '<span class="copyable"><code>{0}</code>'
        '<button type="button" class="copy" data-copy="{0}" data-copied="{2}" hidden>'
        '{3}<span class="spoken">{1}</span>'
        "</button></span>"
    )
    label_text = label or _("id")
    spoken = _("Copied: %(what)s") % {"what": label_text}
    return format_html(
        markup, text, _("Copy %(what)s") % {"what": label_text}, spoken, render_icon("content_copy")
    )


@register.inclusion_tag("portal/parts/plot.html", takes_context=True, name="stacks")
def build_stacks(
    context: Context,
    hours: Sequence[tuple[datetime, Sequence[float]]],
    parts: Any,
    caption: str,
    time_format: str = "D H:i",
) -> dict[str, Any]:
    """Render numbers by time as a chart and as a table.

    hours: pairs of a time and its numbers; parts: pairs of tone and label, one for each number;
    time_format: as of Django's filter `date`.
    """
    zone = display_preferences.resolve_display_zone(context.get("request"))
    rows = [(date_format(at.astimezone(zone), time_format), numbers) for at, numbers in hours]
    top = charts.round_top(max((sum(numbers) for _label, numbers in rows), default=0))
    chart_columns = charts.stacked_columns([numbers for _label, numbers in rows], top)
    return {
        "caption": caption,
        "zone_name": f"{hours[-1][0].astimezone(zone):%Z}" if hours else "",
        "parts": parts,
        "value_labels": charts.value_labels(top),
        "time_labels": charts.spread_labels([label for label, _numbers in rows]),
        "columns": [
            {
                "label": label,
                "counts": [format_count(number) for number in numbers],
                "x": column.x,
                "width": column.width,
                "blocks": [
                    (part[0], block)
                    for part, block in zip(parts, column.blocks, strict=True)
                    if block.height
                ],
            }
            for (label, numbers), column in zip(rows, chart_columns, strict=True)
        ],
    }


@register.inclusion_tag("portal/parts/strip.html", name="strip")
def build_strip(hours: Sequence[tuple[datetime, Sequence[int]]], parts: Any) -> dict[str, Any]:
    """Render numbers by time as a small chart, with their sums in words; parts: as of `stacks`."""
    columns = charts.stacked_columns([numbers for _at, numbers in hours])
    totals = [sum(numbers) for numbers in zip(*(numbers for _at, numbers in hours), strict=True)]
    texts = [
        f"{format_whole(total)} {label}"
        for total, (_tone, label) in zip(totals, parts, strict=bool(totals))
        if total
    ]
    return {
        "caption": ", ".join(texts) or _("none"),
        # one path: a page has fifty strips of 24 columns
        "slots": " ".join(
            f"M{column.x:.2f} 0h{column.width:.2f}v60h-{column.width:.2f}z" for column in columns
        ),
        "blocks": [
            (tone, column, block)
            for column in columns
            for (tone, _label), block in zip(parts, column.blocks, strict=True)
            if block.height
        ],
    }


@register.inclusion_tag("portal/parts/pages.html", name="pages")
def build_page_links(newer: str = "", older: str = "", detail: str = "") -> dict[str, str]:
    """Return the links to the previous and next page; empty if there is none."""
    return {"newer": newer, "older": older, "detail": detail}


# --- the frame ---


def find_tenant_user(context: Context) -> TenantUser | None:
    """Return who reads a page of a tenant; None on the pages of staff."""
    return getattr(context.get("request"), "tenant_user", None)


@register.simple_tag(takes_context=True, name="page_of")
def find_page(context: Context, row: Model) -> str:
    """Return the URL of a row's page: the customers', or on a page of staff the admin's."""
    if tenant_user := find_tenant_user(context):
        return navigation.reverse_row_page(row, tenant_user.tenant)
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


@register.simple_tag(takes_context=True, name="certificate_page")
def find_certificate_page(context: Context, run: Run, kind: str) -> str:
    """Return the URL of the certificate of a run's reconciliation, as `find_page` does."""
    if tenant_user := find_tenant_user(context):
        return reverse(
            "portal:certificate", args=[tenant_user.tenant.reference, run.public_id, kind]
        )
    return reverse("admin:scheduled_discrepancy_certificate", args=[run.public_id, kind])


@register.simple_tag(takes_context=True, name="discrepancy_page")
def find_discrepancy_page(context: Context, id: str) -> str:
    """Return the URL of a discrepancy's page by its public id, as `find_page` does."""
    if tenant_user := find_tenant_user(context):
        return reverse("portal:discrepancy", args=[tenant_user.tenant.reference, id])
    return reverse("open_page", args=["discrepancies", id])


@register.simple_tag(takes_context=True, name="frame")
def build_frame(context: Context) -> dict[str, Any]:
    """Return the context of a page's frame, whether or not the reader is a user of a tenant."""
    request: HttpRequest | None = context.get("request")
    tenant_user: TenantUser | None = getattr(request, "tenant_user", None)
    visit = tenant_user.support_visit if tenant_user else None
    api_filters = context.get("api_filters") or {}
    return {
        "name": settings.HUB_NAME,
        "logo": display_preferences.resolve_logo_url(),
        "theme": display_preferences.read_theme(request) if request else "",
        "themes": (("", _("System setting")), ("light", _("Light")), ("dark", _("Dark"))),
        "zone": display_preferences.resolve_display_zone(request).key,
        "zones": display_preferences.list_zones(request),
        "tenant_user": tenant_user,
        "support_visit": visit,
        "support_until": format_clock_time(visit.expires_at, context) if visit else "",
        "sections": navigation.list_menu_items(request, tenant_user.tenant.reference)
        if request and tenant_user
        else (),
        "curl": api_snippets.build_curl(request, tenant_user.tenant.reference, api_filters)
        if request and tenant_user
        else "",
    }
