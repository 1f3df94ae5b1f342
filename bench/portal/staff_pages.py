"""Each page of staff: what an address of the admin leads to, by the list of the addresses
themselves.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.contrib import admin
from django.contrib.admindocs.views import simplify_regex
from django.db.models import Model
from django.urls import URLResolver, get_resolver

from hub.actions import list_offered
from hub.staff.row_actions import RowActionsMixin

BELOW = "admin/"
ROW_IDS = ("<path:object_id>", "<int:pk>", "<id>")
ACTION = "verbs/<slug:name>/"
QUERIES = {"admin/operations/operation/plan/": "?state=failed"}  # what an address asks for
NO_STAFF_PAGES = {  # addresses below admin/ that are not measured, each with its reason
    "admin/autocomplete/": "a part of a measured page",
    "admin/jsi18n/": "a script",
    "admin/search/": "a part of a measured page",
    "admin/login/": "it leads on",
    "admin/logout/": "it is only posted to",
    "admin/password_change/": "it leads on",
    "admin/password_change/done/": "it leads on",
    "admin/<url>": "what does not exist",
    "admin/<app_label>/": "it leads on",
    "admin/r/<path:content_type_id>/<path:object_id>/": "it leads on",
    "admin/scheduled/discrepancy/certificates/<uuid:id>/<slug:kind>/": "a download",
}
ROWS_OF_EACH = 10  # the newest and the oldest, so many


@dataclass(frozen=True, slots=True)
class MeasuredPage:
    """A page with its addresses, each of another row."""

    name: str
    paths: Sequence[str]


def find_staff_routes() -> list[str]:
    """Return the routes below admin/ that lead to pages."""
    routes = dict.fromkeys(
        simplify_regex(route).lstrip("/") for route in _list_routes(get_resolver())
    )
    pages = [route for route in routes if route.startswith(BELOW) and route not in NO_STAFF_PAGES]
    return [route for route in pages if not route.endswith(f"/{ROW_IDS[0]}/")]  # it leads on


def find_staff_pages(looks: int) -> Iterator[MeasuredPage]:
    """Yield the pages of all routes, each with so many addresses."""
    for route in find_staff_routes():
        name = route.removeprefix(BELOW).strip("/")
        for row_id in ROW_IDS:
            name = name.replace(f"{row_id}/", "row/")
        for action in _find_actions(route):
            address = f"/{route}{QUERIES.get(route, '')}".replace("<slug:name>", action)
            paths = list(itertools.islice(itertools.cycle(_fill_in(route, address)), looks))
            page_name = name.replace("<slug:name>", action).replace("/", "_") or "index"
            yield MeasuredPage(f"staff_{page_name}", paths)


def _list_routes(resolver: URLResolver, beginning: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        route = beginning + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _list_routes(entry, route)
        else:
            yield route


def _find_actions(route: str) -> Sequence[str]:
    """Return the actions of a row that ask for something on a page; of other pages, none by
    name.
    """
    if not route.endswith(ACTION):
        return [""]
    page = admin.site._registry[_find_model(route)]
    assert isinstance(page, RowActionsMixin)
    own = [name for name in page.row_actions if getattr(page, name).row_action.form]
    declared = [
        action.name for action in list_offered(page.declared_actions, "staff") if action.asks_staff
    ]
    return own + declared


def _fill_in(route: str, address: str) -> list[str]:
    """Return the address of each of some rows of its model. Raises SystemExit if there is none."""
    placeholder = next((row_id for row_id in ROW_IDS if row_id in address), None)
    if placeholder is None:
        return [address]
    rows = _find_model(route)._base_manager
    newest = list(rows.order_by("-pk").values_list("pk", flat=True)[:ROWS_OF_EACH])
    oldest = list(rows.order_by("pk").values_list("pk", flat=True)[:ROWS_OF_EACH])
    if not newest:
        raise SystemExit(f"the bench has no row for {route}")
    pairs = zip(newest, oldest, strict=True)
    return [address.replace(placeholder, str(pk)) for pk in itertools.chain.from_iterable(pairs)]


def _find_model(route: str) -> type[Model]:
    label = ".".join(route.split("/")[1:3])
    return next(model for model in admin.site._registry if model._meta.label_lower == label)
