"""The filters of a list, and links to them. A related filter offers rows that this user may see."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.admin.options import ModelAdmin
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter, TextFilter
from unfold.contrib.filters.admin import ChoicesDropdownFilter as ChoicesFilter
from unfold.contrib.filters.admin import DropdownFilter as Filter
from unfold.contrib.filters.forms import AutocompleteDropdownForm

from connectors.registry import CONNECTORS
from hub.db.clock import clock
from hub.db.ids import smallest_id_at
from hub.staff.url_values import select_valid_values

__all__ = [
    "ChoicesFilter",
    "ConnectorFilter",
    "EventTypeFilter",
    "Filter",
    "OwnConnectorFilter",
    "RelatedFilter",
    "SinceFilter",
    "TextFilter",
    "build_filter_chips",
    "build_since_chips",
]

TIME_SPANS = {
    "15m": ("the last 15 minutes", timedelta(minutes=15)),
    "1h": ("the last hour", timedelta(hours=1)),
    "24h": ("the last 24 hours", timedelta(days=1)),
    "7d": ("the last 7 days", timedelta(days=7)),
    "30d": ("the last 30 days", timedelta(days=30)),
}


class RelatedForm(forms.Form):
    """The form of a related filter; its rows are limited as on the related model's own page."""

    Media = AutocompleteDropdownForm.Media

    def __init__(
        self,
        request: HttpRequest,
        name: str,
        label: str,
        field: Any,
        model_admin: ModelAdmin,
        **kwargs: Any,
    ) -> None:
        site = model_admin.admin_site
        related = forms.ModelChoiceField(
            label=label,
            required=False,
            queryset=site.get_model_admin(field.remote_field.model).get_queryset(request),
            widget=AutocompleteSelect(field, site, attrs={"class": "unfold-filter-autocomplete"}),
        )
        super().__init__(select_valid_values({name: related}, kwargs["data"]))
        self.fields[name] = related


class RelatedFilter(AutocompleteSelectFilter):
    form_class = RelatedForm


class ConnectorFilter(Filter):
    title = "connector"
    parameter_name = "connector"
    path = "route__connector_key"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(connector.key, connector.label) for connector in CONNECTORS.values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return (
            queryset.filter(**{self.path: self.value()}) if self.value() in CONNECTORS else queryset
        )


class OwnConnectorFilter(ConnectorFilter):
    path = "connector_key"


class SinceFilter(Filter):
    title = "since"
    parameter_name = "since"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(key, words) for key, (words, _) in TIME_SPANS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in TIME_SPANS:
            return queryset
        return queryset.filter(public_id__gte=smallest_id_at(clock() - TIME_SPANS[self.value()][1]))


class EventTypeFilter(TextFilter):
    title = "event type"
    parameter_name = "type"
    path = "type"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return (
            queryset.filter(**{self.path: self.value().replace("\0", "")})
            if self.value()
            else queryset
        )


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


def build_since_chips(request: HttpRequest) -> list[dict[str, Any]]:
    """Build links for the time spans of a SinceFilter."""
    return build_filter_chips(request, "since", [(key, key) for key in TIME_SPANS])
