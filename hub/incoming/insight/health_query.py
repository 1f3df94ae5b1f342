"""The query of the page of webhook health: which rows it shows, and from where on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

VIEWS: Mapping[str, Promise] = {
    "": gettext_lazy("All"),
    "failing": gettext_lazy("Failing"),
    "silent": gettext_lazy("Silent"),
    "fading": gettext_lazy("Fewer events"),
    "rejected": gettext_lazy("Rejected"),
    "manual": gettext_lazy("Manual"),
}


class Position(NamedTuple):
    """The place of a row in its group: problems first, then the newest."""

    is_problem: int
    id: UUID

    def __str__(self) -> str:
        return f"{self.is_problem}.{self.id}"


@dataclass(frozen=True, slots=True)
class HealthQuery:
    """Which rows are shown: a key of VIEWS, and after which row of each group."""

    view: str = ""
    called_after: Position | None = None
    received_after: Position | None = None


def parse_health_query(data: Mapping[str, str]) -> HealthQuery:
    """Read the query of the page's URL; what is not valid counts as absent."""
    view = data.get("view", "")
    return HealthQuery(
        view if view in VIEWS else "",
        _parse_position(data.get("endpoints_after", "")),
        _parse_position(data.get("after", "")),
    )


def _parse_position(text: str) -> Position | None:
    is_problem, _, id = text.partition(".")
    try:
        return Position(int(is_problem == "1"), UUID(id))
    except ValueError:
        return None


def build_page_query(view: str, name: str = "", after: Position | None = None) -> str:
    """Return the query of a page; "" without a row after which it begins and without a view."""
    if name and after is None:
        return ""
    pairs = [f"view={view}"] if view else []
    pairs += [f"{name}={after}"] if name else []
    return f"?{'&'.join(pairs)}" if pairs else ""
