"""How a state, a moment and a number look: icon + word + colour, relative and absolute, with a unit."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from hub.clock import clock
from hub.words import TONES

UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def icon(name: str) -> SafeString:
    return format_html('<span class="material-symbols-outlined hub-icon" aria-hidden="true">{}</span>', name)


def badge(state: str, word: str = "") -> SafeString:
    tone, picture = TONES.get(state, ("idle", "circle"))
    return format_html(
        '<span class="hub-badge hub-{}">{}{}</span>', tone, icon(picture), word or state.replace("_", " ")
    )


def span(length: timedelta) -> str:
    """The largest unit that fits: 3 d, 14 min."""
    seconds = int(abs(length.total_seconds()))
    return next((f"{seconds // size} {unit}" for unit, size in UNITS if seconds >= size), "0 s")


def moment(at: datetime | None, now: datetime | None = None) -> SafeString | str:
    """Relative; the exact time in UTC on hover and focus, ISO for machines."""
    if at is None:
        return "–"
    at, now = at.astimezone(UTC), now or clock()
    words = f"in {span(at - now)}" if at > now else f"{span(now - at)} ago"
    exact = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    return format_html('<time datetime="{}" title="{}" tabindex="0">{}</time>', at.isoformat(), exact, words)


def moments(at: datetime | None) -> SafeString | str:
    """Absolute and relative, where there is room for both."""
    return "–" if at is None else format_html("{} ({})", f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC", moment(at))


def number(value: int, most: int | None = None) -> str:
    """1,204; beyond what was counted: 1,000+."""
    return f"{most:,}+" if most is not None and value > most else f"{value:,}"


def page_link(row: Any, words: str = "") -> SafeString | str:
    """To the row's page in the admin."""
    if row is None:
        return "–"
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a class="hub-link" href="{}">{}</a>', url, words or str(row))
