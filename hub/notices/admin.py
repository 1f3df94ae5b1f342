"""The admin of notices: automatic actions, done or announced."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from hub import staff
from hub.notices.models import Notice
from hub.notices.notice_actions import NOTICE_ACTIONS
from tenants.scoping import ScopedAdminMixin


@admin.register(Notice)
class NoticeAdmin(ScopedAdminMixin, staff.ModelAdmin):
    empty_text = (
        "The hub writes a notice when it does something by itself, or asks a person to act. "
        "There was no reason so far."
    )
    list_display = ("sentence", "tenant_link", "connection_link", "sent_on", "seen_on")
    list_filter = (("seen_at", admin.EmptyFieldListFilter),)
    list_select_related = ("tenant", "connection")
    ordering = ("-id",)
    fields = readonly_fields = list_display
    declared_actions = NOTICE_ACTIONS

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related(*self.list_select_related)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @staff.display(description="notice")
    def sentence(self, notice: Notice) -> str:
        return notice.sentence

    @staff.display(description="tenant")
    def tenant_link(self, notice: Notice) -> str:
        return staff.render_page_link(notice.tenant) if notice.tenant else "Platform"

    @staff.display(description="connection")
    def connection_link(self, notice: Notice) -> str:
        return staff.render_page_link(notice.connection)

    @staff.display(description="sent")
    def sent_on(self, notice: Notice) -> str:
        return staff.render_time(notice.created_at)

    @staff.display(description="read")
    def seen_on(self, notice: Notice) -> str:
        return (
            staff.render_time(notice.seen_at)
            if notice.seen_at
            else staff.render_badge("waiting", "not yet")
        )
