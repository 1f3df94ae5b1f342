"""Who did what, and the mails on their way: for superusers."""

import json
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from hub import staff
from hub.audit import AuditRow
from hub.clock import clock
from hub.mail.models import Mail
from hub.words import MAILS
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


@admin.register(Mail)
class MailAdmin(ScopedAdminMixin, staff.ModelAdmin):
    """What a mail says is shown to nobody but who gets it."""

    list_display = ("to", "called", "standing", "why", "attempt_count", "asked", "next_try", "taken")
    list_filter = (("state", staff.ChoicesFilter), "reason")
    search_fields = ("to",)
    search_help_text = "The whole address."
    ordering = ("-id",)
    fields = (
        "to",
        "called",
        "standing",
        "why",
        "todo",
        "attempt_count",
        "asked",
        "next_try",
        "ends",
        "taken",
        "public_id",
    )
    readonly_fields = fields
    verbs = ("send_again",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @staff.display(description="mail")
    def called(self, mail: Mail) -> str:
        return mail.called

    @staff.display(description="state", ordering="state")
    def standing(self, mail: Mail) -> str:
        return staff.badge(mail.state)

    @staff.display(description="why it has not gone")
    def why(self, mail: Mail) -> str:
        return MAILS[mail.reason].sentence if mail.reason else "–"

    @staff.display(description="what to do")
    def todo(self, mail: Mail) -> str:
        return (MAILS[mail.reason].action if mail.reason else "") or "–"

    @staff.display(description="asked for", ordering="id")
    def asked(self, mail: Mail) -> str:
        return staff.moment(mail.created_at)

    @staff.display(description="next try")
    def next_try(self, mail: Mail) -> str:
        return staff.moment(mail.due_at)

    @staff.display(description="worth nothing after")
    def ends(self, mail: Mail) -> str:
        return staff.moments(mail.until)

    @staff.display(description="taken by a server")
    def taken(self, mail: Mail) -> str:
        return staff.moment(mail.sent_at)

    @staff.verb("Send it now", icon="send", when=lambda mail: mail.can_go_again(now=clock()), tone="primary")
    def send_again(self, request: HttpRequest, mail: Mail, said: dict[str, Any], *, now: datetime) -> staff.Done:
        before = {"state": mail.state, "reason": mail.reason}
        mail.send_again(now=now)
        return staff.Done("It goes as soon as a worker hears of it.", before=before)
