"""Filters beside a list. A related one finds by typing: nobody loads two thousand names."""

from unfold.contrib.filters.admin import AutocompleteSelectFilter as RelatedFilter
from unfold.contrib.filters.admin import ChoicesDropdownFilter as ChoicesFilter
from unfold.contrib.filters.admin import DropdownFilter as Filter

__all__ = ["ChoicesFilter", "Filter", "RelatedFilter"]
