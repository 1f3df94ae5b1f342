"""Render states (icon, word, colour), times (relative and absolute) and numbers."""

from datetime import UTC, datetime, timedelta

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from hub.db.clock import clock
from hub.state_texts import STATE_TONES

UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def render_icon(name: str) -> SafeString:
    return format_html(
        '<span class="material-symbols-outlined hub-icon" aria-hidden="true">{}</span>', name
    )


def render_badge(state: str, label: str = "") -> SafeString:
    tone, icon_name = STATE_TONES.get(state, ("idle", "circle"))
    return format_html(
        '<span class="hub-badge hub-{}">{}{}</span>',
        tone,
        render_icon(icon_name),
        label or state.replace("_", " "),
    )


def format_duration(length: timedelta) -> str:
    """Return a duration in its largest unit: 3 d, 14 min."""
    seconds = int(abs(length.total_seconds()))
    return next((f"{seconds // size} {unit}" for unit, size in UNITS if seconds >= size), "0 s")


def render_time(time: datetime | None, now: datetime | None = None) -> SafeString | str:
    """Render a relative time; the exact time in UTC on hover and focus, ISO for machines."""
    if time is None:
        return "–"
    time, now = time.astimezone(UTC), now or clock()
    relative = (
        f"in {format_duration(time - now)}" if time > now else f"{format_duration(now - time)} ago"
    )
    exact = f"{time:%Y-%m-%d %H:%M:%S} UTC"
    return format_html(
        '<time datetime="{}" title="{}" tabindex="0">{}</time>', time.isoformat(), exact, relative
    )


def render_full_time(time: datetime | None) -> SafeString | str:
    """Render a time both absolute (UTC) and relative."""
    return (
        "–"
        if time is None
        else format_html(
            "{} ({})", f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC", render_time(time)
        )
    )


def render_page_link(instance: Model | None, label: str = "") -> SafeString | str:
    """Render a link to the object's page in the admin; a dash for None."""
    if instance is None:
        return "–"
    url = reverse(
        f"admin:{instance._meta.app_label}_{instance._meta.model_name}_change", args=[instance.pk]
    )
    return format_html('<a class="hub-link" href="{}">{}</a>', url, label or str(instance))
