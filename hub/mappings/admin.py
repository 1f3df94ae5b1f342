"""Admin of identities, and the base of the admin of field mappings and their versions."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.mappings.forms import IdentityForm
from hub.mappings.identity_pairs import remove_identity, set_identity
from hub.mappings.mapping_actions import MAPPING_ACTIONS, delete_mapping
from hub.mappings.models import FieldMapping, Identity, match_identity_prefix
from hub.mappings.rows.row_texts import describe_target
from hub.staff import (
    EmptyStep,
    ModelAdmin,
    display,
    render_time,
)
from tenants.admin.read_only_admin import CustomerColumn
from tenants.scoping import ScopedAdminMixin

IDENTITY_KEY = {"connection", "kind", "local_id"}


class FieldMappingAdminBase(CustomerColumn, ScopedAdminMixin, ModelAdmin):
    """Base of the field mappings' admin. `hub.outgoing.admin` registers it, as only that package
    knows the events to try a mapping on and the routes that use it.
    """

    list_display = ("name", "customer", "action_text", "version", "last_changed", "route_count")
    list_select_related = ("tenant",)
    search_fields = ("name__istartswith",)
    search_help_text = "The beginning of a name"
    ordering = ("-pk",)
    declared_actions = MAPPING_ACTIONS

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        mappings: QuerySet = super().get_queryset(request).select_related("tenant")
        annotated: QuerySet = mappings.annotate(
            newest=Max("versions__number"),
            newest_at=Max("versions__created_at"),
            uses=Count("routes", distinct=True),
        )
        return annotated

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (
            obj is not None
            and super().has_delete_permission(request, obj)
            and not obj.routes.exists()
        )

    @display(description="action")
    def action_text(self, mapping: FieldMapping) -> str:
        return describe_target(mapping)

    @display(description="version")
    def version(self, mapping: Any) -> str:
        return f"v{mapping.newest}" if mapping.newest else "–"

    @display(description="changed")
    def last_changed(self, mapping: Any) -> Any:
        return render_time(mapping.newest_at)

    @display(description="used by")
    def route_count(self, mapping: Any) -> str:
        return {0: "no route", 1: "1 route"}.get(mapping.uses, f"{mapping.uses} routes")

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_mapping(obj, ActorContext.of_request(request), now=clock())


# --- identities -----------------------------------------------------------------------------------


@admin.register(Identity)
class IdentityAdmin(CustomerColumn, ScopedAdminMixin, ModelAdmin):
    no_tenant_text = "Platform"
    empty_text = (
        "An identity pairs one of our ids with the id of the same person, channel or record "
        "in another system."
    )
    empty_step = EmptyStep(
        "Add an identity", "admin:mappings_identity_add", "mappings.add_identity"
    )
    form = IdentityForm
    list_display = (
        "kind",
        "local_id",
        "remote_id",
        "name",
        "state",
        "connection_label",
        "customer",
        "set_at",
    )
    list_filter = ("state",)
    list_select_related = ("connection__tenant",)
    search_fields = ("local_id",)
    search_help_text = "The local or the remote id, or its beginning"
    autocomplete_fields = ("connection",)
    ordering = ("-pk",)

    def match_search(self, request: HttpRequest, term: str) -> Q:
        return match_identity_prefix(term)

    @display(description="connection")
    def connection_label(self, identity: Identity) -> str:
        return f"{identity.connection} ({identity.connection.connector_key})"

    @display(description="last changed")
    def set_at(self, identity: Identity) -> Any:
        return render_time(identity.updated_at)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Set the identity as portal and REST do; a changed key removes the old one."""
        actor, now = ActorContext.of_request(request), clock()
        if change and not form.changed_data:
            return
        if change and IDENTITY_KEY & set(form.changed_data):
            remove_identity(Identity.unscoped.get(pk=obj.pk), actor, now=now)
        stored = set_identity(
            obj.connection, obj.kind, obj.local_id, obj.remote_id, actor, name=obj.name, now=now
        )
        obj.pk = stored.pk

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        remove_identity(obj, ActorContext.of_request(request), now=clock())
