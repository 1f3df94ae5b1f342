"""Links of the log: what narrows it now, each removable; and the views that everybody needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hub.portal.log.asked import SPANS, Asked

CODES = ("state", "reason")
PLACE = ("after", "before")  # where in the list, which no link that narrows keeps
VIEWS = (
    (gettext_lazy("All"), {}),
    (gettext_lazy("Failed"), {"state": "failed"}),
    (gettext_lazy("Held"), {"state": "held"}),
    (gettext_lazy("Waiting"), {"state": "waiting"}),
    (gettext_lazy("Skipped"), {"state": "skipped"}),
    (gettext_lazy("Not routed"), {"state": "no_route"}),
)


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    query: str
    current: bool = False


def kept(data: Mapping[str, str], without: tuple[str, ...] = ()) -> dict[str, str]:
    return {name: value for name, value in data.items() if value and name not in (*PLACE, *without)}


def query_of(data: Mapping[str, str], without: tuple[str, ...] = (), **more: Any) -> str:
    return "?" + urlencode(kept(data, without) | {name: str(value) for name, value in more.items() if value})


def chips_of(asked: Asked, data: Mapping[str, str], zone: ZoneInfo) -> list[Link]:
    """Each takes away what it names."""
    return [
        Link(
            f"{asked.form.fields[name].label}: {word_of(asked, name, value, zone)}",
            "?" + urlencode(kept(data, (name,))),
        )
        for name, value in asked.said.items()
    ]


def word_of(asked: Asked, name: str, value: Any, zone: ZoneInfo) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M}"
    if name == "connection":
        return asked.form.names.get(value, value)
    if name == "span":
        return str(SPANS[value][0])
    if name in CODES:
        return _("not routed") if value == "no_route" else str(value).replace("_", " ")
    return str(value)


def views_of(asked: Asked) -> list[Link]:
    return [Link(str(label), "?" + urlencode(said), dict(asked.said) == said) for label, said in VIEWS]
