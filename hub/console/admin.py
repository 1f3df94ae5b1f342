"""Who did what: read only, for superusers."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from hub import staff
from hub.audit import AuditRow
from tenants.scoping import ScopedAdminMixin


@admin.register(AuditRow)
class AuditRowAdmin(ScopedAdminMixin, staff.ModelAdmin):
    list_display = ("when", "who", "verb", "what", "tenant_reference", "reason")
    search_fields = ("tenant", "object_id", "request_id", "^verb", "^actor_label", "^tenant_reference")
    search_help_text = "An id, or the beginning of a verb, a person, a tenant's reference."
    ordering = ("-id",)
    fields = (
        "when_exactly", "who", "acting_for", "verb", "what", "tenant_reference", "reason",
        "was", "became", "request_id", "ip", "place", "hash",
    )  # fmt: skip
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @staff.display(description="when", ordering="id")
    def when(self, row: AuditRow) -> str:
        return staff.moment(row.at)

    @staff.display(description="when")
    def when_exactly(self, row: AuditRow) -> str:
        return staff.moments(row.at)

    @staff.display(description="who")
    def who(self, row: AuditRow) -> str:
        return f"{row.actor_label} ({row.actor_kind.replace('_', ' ')})"

    @staff.display(description="to what")
    def what(self, row: AuditRow) -> str:
        return format_html('{} <code class="hub-mono">{}</code>', row.object_label.partition(".")[2], row.object_id)

    @staff.display(description="before")
    def was(self, row: AuditRow) -> str:
        return as_text(row.before)

    @staff.display(description="after")
    def became(self, row: AuditRow) -> str:
        return as_text(row.after)

    @staff.display(description="place in the chain")
    def place(self, row: AuditRow) -> str:
        return f"{row.number} of {row.chain}"


def as_text(said: Any) -> str:
    if said is None:
        return "–"
    return format_html('<pre class="hub-mono">{}</pre>', json.dumps(said, indent=2, ensure_ascii=False))
