"""The building blocks of the staff pages; only this package imports unfold."""

from hub.number_texts import format_number
from hub.staff.filters import (
    ChoicesFilter,
    ConnectorFilter,
    EventTypeFilter,
    Filter,
    OwnConnectorFilter,
    RelatedFilter,
    SinceFilter,
    TextFilter,
    build_filter_chips,
    build_since_chips,
)
from hub.staff.formatting import (
    format_duration,
    render_badge,
    render_full_time,
    render_icon,
    render_page_link,
    render_time,
)
from hub.staff.forms import (
    ActionForm,
    AdminPasswordChangeForm,
    UserChangeForm,
    UserCreationForm,
    WriteOnlyInput,
    apply_admin_style,
    build_related_field,
)
from hub.staff.mfa_gate import reauthentication_redirect
from hub.staff.model_admin import (
    EmptyStep,
    ModelAdmin,
    Paginator,
    StackedInline,
    TabularInline,
    display,
)
from hub.staff.row_actions import (
    ActionRejected,
    ActionResult,
    RowAction,
    audit_staff_action,
    row_action,
)
from hub.staff.session_limits import StaffSessionMiddleware
from hub.staff.site import AdminSite, SearchResult
from hub.staff.url_values import (
    LocalDateTimeField,
    MomentField,
    parse_number,
    select_valid_values,
)

__all__ = [
    "AdminPasswordChangeForm",
    "ChoicesFilter",
    "ActionRejected",
    "ActionResult",
    "EmptyStep",
    "Filter",
    "ActionForm",
    "ConnectorFilter",
    "EventTypeFilter",
    "OwnConnectorFilter",
    "SinceFilter",
    "build_filter_chips",
    "build_since_chips",
    "ModelAdmin",
    "LocalDateTimeField",
    "MomentField",
    "Paginator",
    "RelatedFilter",
    "RowAction",
    "SearchResult",
    "AdminSite",
    "StackedInline",
    "StaffSessionMiddleware",
    "TabularInline",
    "TextFilter",
    "UserChangeForm",
    "UserCreationForm",
    "WriteOnlyInput",
    "render_badge",
    "display",
    "render_icon",
    "render_time",
    "render_full_time",
    "audit_staff_action",
    "format_number",
    "render_page_link",
    "build_related_field",
    "parse_number",
    "select_valid_values",
    "format_duration",
    "apply_admin_style",
    "row_action",
    "reauthentication_redirect",
]
