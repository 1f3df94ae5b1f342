"""What the pages for staff are made of, in the product's look; nothing else imports unfold."""

from hub.staff.admins import ModelAdmin, Paginator, StackedInline, TabularInline, display
from hub.staff.door import way_to_reauthenticate
from hub.staff.filters import ChoicesFilter, Filter, RelatedFilter, TextFilter
from hub.staff.forms import (
    AdminPasswordChangeForm,
    Form,
    ReasonForm,
    UserChangeForm,
    UserCreationForm,
    WriteOnly,
    related_field,
    styled,
)
from hub.staff.session_limits import StaffSessionMiddleware
from hub.staff.shows import badge, icon, moment, moments, number, page_link, span
from hub.staff.site import SearchResult, Site
from hub.staff.verbs import Declined, Done, note, verb

__all__ = [
    "AdminPasswordChangeForm",
    "ChoicesFilter",
    "Declined",
    "Done",
    "Filter",
    "Form",
    "ModelAdmin",
    "Paginator",
    "ReasonForm",
    "RelatedFilter",
    "SearchResult",
    "Site",
    "StackedInline",
    "StaffSessionMiddleware",
    "TabularInline",
    "TextFilter",
    "UserChangeForm",
    "UserCreationForm",
    "WriteOnly",
    "badge",
    "display",
    "icon",
    "moment",
    "moments",
    "note",
    "number",
    "page_link",
    "related_field",
    "span",
    "styled",
    "verb",
    "way_to_reauthenticate",
]
