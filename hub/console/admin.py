"""The admin of the audit log and of queued mails, for superusers."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from hub import staff
from hub.audit import AuditRow
from hub.console.mail_actions import MAIL_ACTIONS
from hub.mail.models import Mail
from hub.reason_codes import MAIL_REASONS
from tenants.scoping import ScopedAdminMixin


@admin.register(AuditRow)
class AuditRowAdmin(ScopedAdminMixin, staff.ModelAdmin):
    list_title = "Audit"
    empty_text = "Every change that a person or a key makes is recorded here. None has been made."
    list_display = (
        "recorded_at_age",
        "actor_text",
        "verb",
        "object_text",
        "tenant_reference",
        "reason",
    )
    search_fields = (
        "tenant",
        "object_id",
        "request_id",
        "^verb",
        "^actor_label",
        "^tenant_reference",
    )
    search_help_text = "An ID, or the beginning of a verb, a person or a tenant's reference."
    ordering = ("-id",)
    fields = (
        "recorded_at",
        "actor_text",
        "acting_for",
        "verb",
        "object_text",
        "tenant_reference",
        "reason",
        "before_text",
        "after_text",
        "request_id",
        "ip",
        "chain_position",
        "hash",
    )
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @staff.display(description="when", ordering="id")
    def recorded_at_age(self, audit_row: AuditRow) -> str:
        return staff.render_time(audit_row.at)

    @staff.display(description="when")
    def recorded_at(self, audit_row: AuditRow) -> str:
        return staff.render_full_time(audit_row.at)

    @staff.display(description="who")
    def actor_text(self, audit_row: AuditRow) -> str:
        return f"{audit_row.actor_label} ({audit_row.actor_kind.replace('_', ' ')})"

    @staff.display(description="object")
    def object_text(self, audit_row: AuditRow) -> str:
        return format_html(
            '{} <code class="hub-mono">{}</code>',
            audit_row.object_label.partition(".")[2],
            audit_row.object_id,
        )

    @staff.display(description="before")
    def before_text(self, audit_row: AuditRow) -> str:
        return render_json(audit_row.before)

    @staff.display(description="after")
    def after_text(self, audit_row: AuditRow) -> str:
        return render_json(audit_row.after)

    @staff.display(description="position in the chain")
    def chain_position(self, audit_row: AuditRow) -> str:
        return f"{audit_row.number} of {audit_row.chain}"


def render_json(value: Any) -> str:
    if value is None:
        return "–"
    return format_html(
        '<pre class="hub-mono">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False)
    )


@admin.register(Mail)
class MailAdmin(ScopedAdminMixin, staff.ModelAdmin):
    """Queued mails, without their text, which only the recipient may read."""

    empty_text = (
        "Invitations, notices and password links are sent by e-mail and listed here for 30 days."
    )
    list_display = (
        "to",
        "kind_label",
        "state_badge",
        "reason_text",
        "attempt_count",
        "requested_at",
        "next_attempt",
        "accepted_at",
    )
    list_filter = (("state", staff.ChoicesFilter), "reason")
    search_fields = ("to",)
    search_help_text = "The complete address."
    ordering = ("-id",)
    fields = (
        "to",
        "kind_label",
        "state_badge",
        "reason_text",
        "action_text",
        "attempt_count",
        "requested_at",
        "next_attempt",
        "expires_at",
        "accepted_at",
        "public_id",
    )
    readonly_fields = fields
    declared_actions = MAIL_ACTIONS

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @staff.display(description="mail")
    def kind_label(self, mail: Mail) -> str:
        return mail.kind_label

    @staff.display(description="state", ordering="state")
    def state_badge(self, mail: Mail) -> str:
        return staff.render_badge(mail.state)

    @staff.display(description="why it has not been sent")
    def reason_text(self, mail: Mail) -> str:
        return MAIL_REASONS[mail.reason].sentence if mail.reason else "–"

    @staff.display(description="what to do")
    def action_text(self, mail: Mail) -> str:
        return (MAIL_REASONS[mail.reason].action if mail.reason else "") or "–"

    @staff.display(description="requested", ordering="id")
    def requested_at(self, mail: Mail) -> str:
        return staff.render_time(mail.created_at)

    @staff.display(description="next attempt")
    def next_attempt(self, mail: Mail) -> str:
        return staff.render_time(mail.due_at)

    @staff.display(description="expires")
    def expires_at(self, mail: Mail) -> str:
        return staff.render_full_time(mail.until)

    @staff.display(description="accepted by a server")
    def accepted_at(self, mail: Mail) -> str:
        return staff.render_time(mail.sent_at)
