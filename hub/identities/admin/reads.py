"""Admin of the reads of lists of people, and what staff decide about one that was stopped."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from hub.identities.admin.people import SHOW_CONNECTIONS, ReadOnlyListAdmin
from hub.identities.models import DirectoryRead
from hub.identities.stopped_reads import (
    READ_ACTIONS,
    describe_stopped_list,
)
from hub.staff import (
    ChoicesFilter,
    display,
    format_number,
    render_badge,
    render_full_time,
    render_page_link,
    render_time,
)
from tenants.admin.tenant_filter import TenantFilter

READ_BADGES = {  # the state whose colour and icon the state of a read has
    "reading": "running",
    "complete": "finished",
    "incomplete": "degraded",
    "failed": "failed",
}


@admin.register(DirectoryRead)
class DirectoryReadAdmin(ReadOnlyListAdmin):
    list_title = "Reads of users"
    empty_text = (
        "A row appears when a list of users is read from a connected system, or from our own "
        "application."
    )
    empty_step = SHOW_CONNECTIONS
    list_display = (
        "source",
        "customer",
        "shown_state",
        "reason_text",
        "people",
        "start_age",
        "finish_age",
    )
    list_filter = (("state", ChoicesFilter), TenantFilter)
    list_select_related = ("tenant", "connection")
    declared_actions = READ_ACTIONS
    fields = readonly_fields = (
        "source_link",
        "customer",
        "shown_state",
        "reason_text",
        "pending_deactivations",
        "detail",
        "people",
        "page_count",
        "failure_count",
        "start_time",
        "next_page",
        "finish_time",
        "last_complete_read",
        "suggestion_time",
    )

    @display(description="users of")
    def source(self, read: DirectoryRead) -> str:
        return str(read.connection) if read.connection else "Our own application"

    @display(description="users of")
    def source_link(self, read: DirectoryRead) -> str:
        return render_page_link(read.connection) if read.connection else self.source(read)

    @display(description="state")
    def shown_state(self, read: DirectoryRead) -> str:
        return render_badge(READ_BADGES[read.state], read.state)

    @display(description="why it is not whole")
    def reason_text(self, read: DirectoryRead) -> str:
        reason = read.reason.replace("_", " ") or "–"
        return f"{reason}: {read.detail}" if read.is_stopped else reason

    @display(description="would be deactivated")
    def pending_deactivations(self, read: DirectoryRead) -> str:
        stopped_list = describe_stopped_list(read)
        if stopped_list is None:
            return "–"
        names = ", ".join(str(person) for person in stopped_list.people)
        more = f", and {stopped_list.more_count:,} more" if stopped_list.more_count else ""
        return f"{stopped_list.deactivations}: {names}{more}"

    @display(description="people")
    def people(self, read: DirectoryRead) -> str:
        return format_number(read.people_count)

    @display(description="started")
    def start_age(self, read: DirectoryRead) -> str:
        return render_time(read.started_at)

    @display(description="finished")
    def finish_age(self, read: DirectoryRead) -> str:
        return render_time(read.finished_at)

    @display(description="started")
    def start_time(self, read: DirectoryRead) -> str:
        return render_full_time(read.started_at)

    @display(description="next page")
    def next_page(self, read: DirectoryRead) -> str:
        return render_full_time(read.next_page_at)

    @display(description="finished")
    def finish_time(self, read: DirectoryRead) -> str:
        return render_full_time(read.finished_at)

    @display(description="last complete read")
    def last_complete_read(self, read: DirectoryRead) -> str:
        return render_full_time(read.complete_at)

    @display(description="pairs suggested")
    def suggestion_time(self, read: DirectoryRead) -> str:
        return render_full_time(read.suggested_at)

    # --- a stopped list ---

    def has_decide_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("connections.change_connection")
