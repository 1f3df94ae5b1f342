"""Admin of the people of both sides: our users, and the users of connected systems. Programs and
other systems write them; staff read them.
"""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from hub.identities.models import DirectoryEntry, LocalUser, PersonRow
from hub.identities.people_search import find_people
from hub.staff import (
    ConnectorFilter,
    EmptyStep,
    ModelAdmin,
    display,
    render_badge,
    render_full_time,
    render_page_link,
    render_time,
)
from tenants.admin.read_only_admin import CustomerColumn
from tenants.admin.tenant_filter import TenantFilter
from tenants.scoping import ScopedAdminMixin

SHOW_CONNECTIONS = EmptyStep(
    "Show the connections",
    "admin:connections_connection_changelist",
    "connections.view_connection",
)


class EntryTenantFilter(TenantFilter):
    path = "connection__tenant"


class EntryConnectorFilter(ConnectorFilter):
    path = "connection__connector_key"


class ReadOnlyListAdmin(CustomerColumn, ScopedAdminMixin, ModelAdmin):
    """Base of the pages of people and of their lists: rows that staff read, and do not write."""

    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PersonAdmin(ReadOnlyListAdmin):
    """Base of the pages of people, with the columns that both sides have.

    `search_fields` is the column of the id; names and addresses are searched as well.
    """

    search_help_text = (
        "The whole id, or at least three letters with which a name or an e-mail address begins"
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.replace("\0", "").strip()
        if not term:
            return queryset, False
        (id_column,) = self.get_search_fields(request)
        return queryset.filter(pk__in=find_people(queryset, str(id_column), term)), False

    @display(description="name")
    def shown_name(self, person: PersonRow) -> str:
        return person.name or "–"

    @display(description="e-mail address")
    def shown_email(self, person: PersonRow) -> str:
        return person.email or "–"

    @display(description="account")
    def account(self, person: PersonRow) -> str:
        return render_badge("active" if person.is_active else "disabled")

    @display(description="further addresses and logins")
    def shown_aliases(self, person: PersonRow) -> str:
        return ", ".join(person.aliases) or "–"

    @display(description="other names")
    def shown_other_names(self, person: PersonRow) -> str:
        return ", ".join(person.other_names) or "–"

    @display(description="last listed")
    def last_listed(self, person: PersonRow) -> str:
        return render_time(person.read_at)

    @display(description="last listed")
    def last_listed_exactly(self, person: PersonRow) -> str:
        return render_full_time(person.read_at)

    @display(description="first listed")
    def first_listed_exactly(self, person: PersonRow) -> str:
        return render_full_time(person.created_at)


@admin.register(LocalUser)
class LocalUserAdmin(PersonAdmin):
    list_title = "Users of tenants"
    empty_text = (
        "The users of our own application, as it sends them for each tenant. Identities pair them "
        "with the users of connected systems."
    )
    empty_step = EmptyStep(
        "Show the tenants", "admin:tenants_tenant_changelist", "tenants.view_tenant"
    )
    list_display = ("user_id", "shown_name", "shown_email", "account", "customer", "last_listed")
    list_filter = ("is_active", TenantFilter)
    list_select_related = ("tenant",)
    search_fields = ("user_id",)
    fields = readonly_fields = (
        "customer_link",
        "user_id",
        "shown_name",
        "shown_email",
        "login",
        "shown_aliases",
        "shown_other_names",
        "account",
        "last_listed_exactly",
        "first_listed_exactly",
    )

    @display(description="tenant")
    def customer_link(self, user: LocalUser) -> str:
        return render_page_link(user.tenant)


@admin.register(DirectoryEntry)
class DirectoryEntryAdmin(PersonAdmin):
    list_title = "Users of systems"
    no_tenant_text = "Platform"
    empty_text = (
        "The users of a connected system are listed here after they have been read from it, to "
        "pair them with ours."
    )
    empty_step = SHOW_CONNECTIONS
    list_display = (
        "remote_id",
        "shown_name",
        "shown_email",
        "account",
        "connection_label",
        "customer",
        "last_listed",
    )
    list_filter = ("is_active", EntryConnectorFilter, EntryTenantFilter)
    list_select_related = ("connection__tenant",)
    search_fields = ("remote_id",)
    fields = readonly_fields = (
        "connection_link",
        "kind",
        "remote_id",
        "shown_name",
        "shown_email",
        "login",
        "shown_aliases",
        "shown_other_names",
        "account",
        "used_by",
        "last_listed_exactly",
        "first_listed_exactly",
    )

    @display(description="connection")
    def connection_label(self, entry: DirectoryEntry) -> str:
        return str(entry.connection)

    @display(description="connection")
    def connection_link(self, entry: DirectoryEntry) -> str:
        return render_page_link(entry.connection)

    @display(description="used by")
    def used_by(self, entry: DirectoryEntry) -> str:
        return "an application or several people" if entry.is_shared else "one person"
