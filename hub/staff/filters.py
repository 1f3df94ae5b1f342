"""The filters of a list. A related filter offers rows that this user may see, by a search."""

from typing import Any

from django import forms
from django.contrib.admin.options import ModelAdmin
from django.contrib.admin.widgets import AutocompleteSelect
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter, TextFilter
from unfold.contrib.filters.admin import ChoicesDropdownFilter as ChoicesFilter
from unfold.contrib.filters.admin import DropdownFilter as Filter
from unfold.contrib.filters.forms import AutocompleteDropdownForm

from hub.staff.url_values import select_valid_values

__all__ = ["ChoicesFilter", "Filter", "RelatedFilter", "TextFilter"]


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
