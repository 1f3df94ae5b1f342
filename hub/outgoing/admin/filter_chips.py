"""Links above a list that filter it by one value."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest


def build_filter_chips(
    request: HttpRequest, name: str, values: Iterable[tuple[str, str]]
) -> list[dict[str, Any]]:
    """Build links that add a filter to the present ones; the first link removes that filter."""
    current = request.GET.get(name, "")
    chips = []
    for value, label in [("", "all"), *values]:
        query = request.GET.copy()
        query.pop("p", None)
        query.pop(name, None)
        if value:
            query[name] = value
        chips.append(
            {"label": label, "value": value, "url": f"?{query.urlencode()}", "on": current == value}
        )
    return chips
