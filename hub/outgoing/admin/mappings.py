"""Admin of field mappings, with the events to try a mapping on and the routes that use it."""

from typing import Any

from django.contrib import admin
from django.forms import Media
from django.http import HttpRequest, HttpResponse

from connectors.registry import CONNECTORS
from hub.db.clock import clock
from hub.mappings.admin import FieldMappingAdminBase
from hub.mappings.forms import MappingForm
from hub.mappings.models import FieldMapping
from hub.mappings.rows.version_changes import list_changed_versions
from hub.outgoing.admin.preview import PreviewMixin, Trial
from hub.outgoing.insight.mapping_editor.document_paths import list_document_paths
from hub.outgoing.insight.mapping_editor.editor import MappingEditor
from hub.outgoing.insight.mapping_editor.mapping_use import load_mapping_use
from hub.outgoing.models import Route
from hub.staff import EmptyStep, OwnConnectorFilter
from tenants.admin.tenant_filter import TenantFilter
from tenants.scoping import visible_rows

ROUTES_LIMIT = 50
VERSIONS_LIMIT = 20


def add_field_choices(
    mapping: FieldMapping, form: MappingForm, trial: Trial | None
) -> dict[str, Any]:
    """Add our paths and the other system's fields to the form, as the customers' editor does.

    Return the context of the request preview for the event that was tried.
    """
    entry = trial.entry if trial else None
    tenant = mapping.tenant or (entry[0].tenant if entry else None)
    if tenant is None or tenant.pk is None:  # a platform mapping without an event
        return {}
    use = load_mapping_use(mapping, tenant)
    editor = MappingEditor(mapping, tenant, use, form.draft, mapping.name, entry=entry)
    body = form.draft.build_body()
    form.draft.table.targets = editor.load_targets(body).fields
    form.body_widget.paths = list_document_paths(use.documents)
    connector = CONNECTORS.get(mapping.connector_key)
    form.body_widget.identity_kinds = list(connector.list_choices_by_kind) if connector else []
    return {"preview": editor.preview(body, now=clock()) if entry and body is not None else None}


@admin.register(FieldMapping)
class FieldMappingAdmin(PreviewMixin, FieldMappingAdminBase):
    empty_text = (
        "A field mapping says how an event becomes a record of the other system. Several routes "
        "can use the same one."
    )
    empty_step = EmptyStep(
        "Add a field mapping", "admin:mappings_fieldmapping_add", "mappings.add_fieldmapping"
    )
    list_filter = (TenantFilter, OwnConnectorFilter)

    @property
    def media(self) -> Any:
        return super().media + Media(css={"all": ["mappings/rows.css"]})

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj is not None:
            routes = (
                visible_rows(Route, request.user)
                .filter(mapping=obj)
                .select_related("tenant")
                .order_by("name")
            )
            changes = list_changed_versions(obj, limit=VERSIONS_LIMIT)
            context |= {
                "changes": [(change, change.version.created_by or "") for change in changes],
                "shows_json": True,
                "routes": routes[:ROUTES_LIMIT],
            }
            context |= add_field_choices(obj, context["adminform"].form, context.get("tried"))
        response: HttpResponse = super().render_change_form(
            request, context, add, change, form_url, obj
        )
        return response
