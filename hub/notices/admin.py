"""Notices: what the hub did or will do by itself."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from hub import staff
from hub.notices.models import Notice
from tenants.scoping import ScopedAdminMixin


@admin.register(Notice)
class NoticeAdmin(ScopedAdminMixin, staff.ModelAdmin):
    list_display = ("sentence", "whose", "about", "told", "seen")
    list_filter = (("seen_at", admin.EmptyFieldListFilter),)
    list_select_related = ("tenant", "connection")
    ordering = ("-id",)
    fields = readonly_fields = list_display
    verbs = ("see",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related(*self.list_select_related)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @staff.display(description="tenant")
    def whose(self, notice: Notice) -> str:
        return staff.page_link(notice.tenant) if notice.tenant else "the platform"

    @staff.display(description="connection")
    def about(self, notice: Notice) -> str:
        return staff.page_link(notice.connection)

    @staff.display(description="told")
    def told(self, notice: Notice) -> str:
        return staff.moment(notice.created_at)

    @staff.display(description="seen")
    def seen(self, notice: Notice) -> str:
        return staff.moment(notice.seen_at) if notice.seen_at else staff.badge("waiting", "not yet")

    @staff.verb("I have seen it", icon="visibility", when=lambda notice: notice.seen_at is None, tone="primary")
    def see(self, request: HttpRequest, row: Notice, said: dict[str, Any], *, now: datetime) -> staff.Done:
        Notice.unscoped.filter(pk=row.pk, seen_at=None).update(seen_at=now)
        return staff.Done("Noted.", after={"seen": True})
