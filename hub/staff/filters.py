"""Filters beside a list. A related one finds by typing, and finds what the person may see."""

from typing import Any

from django import forms
from django.contrib.admin.options import ModelAdmin
from django.contrib.admin.widgets import AutocompleteSelect
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter, TextFilter
from unfold.contrib.filters.admin import ChoicesDropdownFilter as ChoicesFilter
from unfold.contrib.filters.admin import DropdownFilter as Filter
from unfold.contrib.filters.forms import AutocompleteDropdownForm

__all__ = ["ChoicesFilter", "Filter", "RelatedFilter", "TextFilter"]


class RelatedForm(forms.Form):
    """The rows are those of the related model's own page, so they end where that page ends."""

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
        super().__init__(kwargs["data"])
        site = model_admin.admin_site
        self.fields[name] = forms.ModelChoiceField(
            label=label,
            required=False,
            queryset=site.get_model_admin(field.remote_field.model).get_queryset(request),
            widget=AutocompleteSelect(field, site, attrs={"class": "unfold-filter-autocomplete"}),
        )


class RelatedFilter(AutocompleteSelectFilter):
    form_class = RelatedForm
