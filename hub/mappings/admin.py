"""Identities, and what the mapping room knows of the pages of field mappings: their versions and what changed."""

import difflib
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import Count, Max, QuerySet
from django.http import HttpRequest

from connectors.registry import CONNECTORS
from hub.clock import clock
from hub.mappings.forms import IdentityForm, MappingForm, pretty
from hub.mappings.identify import anew
from hub.mappings.models import FieldMapping, Identity, MappingVersion, beginning
from hub.mappings.revise import revise
from hub.staff import ModelAdmin, display, moment
from tenants.scoping import ScopedAdminMixin

VERSIONS_MOST = 20
KINDS = {"+": "added", "-": "removed"}


class MappingPages(ScopedAdminMixin, ModelAdmin):
    """The room above registers it, since only that knows events to try a mapping on, and routes that use it."""

    form = MappingForm
    list_display = ("name", "whose", "action_words", "version", "changed", "used")
    list_select_related = ("tenant",)
    search_fields = ("name__istartswith",)
    search_help_text = "The beginning of a name"
    ordering = ("-pk",)
    fieldsets = ((None, {"fields": (("name", "tenant"), "target", "body")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super().get_queryset(request).select_related("tenant")
        return rows.annotate(
            newest=Max("versions__number"), newest_at=Max("versions__created_at"), uses=Count("routes", distinct=True)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and super().has_delete_permission(request, obj) and not obj.routes.exists()

    @display(description="tenant")
    def whose(self, mapping: FieldMapping) -> str:
        return mapping.tenant.name if mapping.tenant else "all tenants"

    @display(description="for")
    def action_words(self, mapping: FieldMapping) -> str:
        connector = CONNECTORS.get(mapping.connector_key)
        return f"{connector.label if connector else mapping.connector_key}: {mapping.action.replace('_', ' ')}"

    @display(description="version")
    def version(self, mapping: Any) -> str:
        return f"v{mapping.newest}" if mapping.newest else "–"

    @display(description="changed")
    def changed(self, mapping: Any) -> Any:
        return moment(mapping.newest_at)

    @display(description="used by")
    def used(self, mapping: Any) -> str:
        return {0: "no route", 1: "1 route"}.get(mapping.uses, f"{mapping.uses} routes")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        revise(obj, form.cleaned_data["body"] or {}, by=request.user, now=clock())


# --- what changed ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """One version, with the lines by which it differs from the one before."""

    version: MappingVersion
    lines: list[tuple[str, str]]


def history(mapping: FieldMapping) -> list[Told]:
    """The newest first; two neighbours are compared as text."""
    rows = list(mapping.versions.select_related("created_by").order_by("-number")[: VERSIONS_MOST + 1])
    older = [*rows[1:], None]
    told = [Told(row, difference(before, row)) for row, before in zip(rows, older, strict=True)]
    return told[:VERSIONS_MOST]


def difference(before: MappingVersion | None, after: MappingVersion) -> list[tuple[str, str]]:
    """Every line, so that a version is read whole; nothing that only guides the eye."""
    old = pretty(before.body).splitlines() if before else []
    compared = difflib.ndiff(old, pretty(after.body).splitlines())
    return [(KINDS.get(line[0], "same"), line) for line in compared if line[0] != "?"]


# --- identities ------------------------------------------------------------------------------------------------------


@admin.register(Identity)
class IdentityAdmin(ScopedAdminMixin, ModelAdmin):
    form = IdentityForm
    list_display = ("kind", "ours", "theirs", "name", "place", "whose", "told")
    list_select_related = ("connection__tenant",)
    search_fields = ("ours",)
    search_help_text = "Our id or theirs, or how it begins"
    autocomplete_fields = ("connection",)
    ordering = ("-pk",)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        return queryset.filter(beginning(search_term.strip())), False

    @display(description="connection")
    def place(self, identity: Identity) -> str:
        return f"{identity.connection} ({identity.connection.connector_key})"

    @display(description="tenant")
    def whose(self, identity: Identity) -> str:
        return identity.connection.tenant.name if identity.connection.tenant else "the platform"

    @display(description="told")
    def told(self, identity: Identity) -> Any:
        return moment(identity.updated_at)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        anew(obj, now=clock())
        super().save_model(request, obj, form, change)
