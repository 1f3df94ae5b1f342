"""Admin of field mappings: the list, and the customers' pages of one in the staff frame."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.mappings.admin import FieldMappingAdminBase
from hub.mappings.forms import MappingForm, list_function_help
from hub.mappings.models import FieldMapping
from hub.mappings.rows.body_draft import BodyDraft, read_view
from hub.mappings.rows.row_texts import describe_body, describe_target
from hub.mappings.rows.version_changes import list_changed_versions
from hub.outgoing.forms.event_forms import (
    OwnDataForm,
    build_sample_event,
    build_sample_tenant,
    recent_events,
)
from hub.outgoing.insight.mapping_editor.editor import MappingEditor, read_stored_body
from hub.outgoing.insight.mapping_editor.mapping_use import MappingUse, load_mapping_use
from hub.outgoing.models import Event, Route
from hub.staff import EmptyStep, OwnConnectorFilter, select_valid_values
from tenants.admin.read_only_admin import FRAME, PAGE_ASSETS
from tenants.admin.tenant_filter import TenantFilter
from tenants.forms import list_suggested_tenants
from tenants.models import Tenant
from tenants.scoping import visible_rows

ROUTES_LIMIT = 50
VERSIONS_LIMIT = 20


@admin.register(FieldMapping)
class FieldMappingAdmin(FieldMappingAdminBase):
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
        return super().media + PAGE_ASSETS

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the editor; without the permission to change the mapping its page to read."""
        mapping = self.get_object(request, unquote(object_id)) if object_id else None
        if object_id and mapping is None:
            raise Http404(object_id)
        if mapping is None and not self.has_add_permission(request):
            raise PermissionDenied
        if mapping and not self.has_change_permission(request, mapping):
            return self.mapping_page(request, mapping)
        return self.editor_page(request, mapping)

    def mapping_page(self, request: HttpRequest, mapping: FieldMapping) -> HttpResponse:
        if request.method == "POST" or not self.has_view_permission(request, mapping):
            raise PermissionDenied
        version = mapping.current
        return self.page(
            request,
            "outgoing/mapping.html",
            **self.subject_context(request, mapping),
            target=describe_target(mapping),
            version=version,
            author=version.created_by or "",
            rows=describe_body(version.ordered_body),
        )

    def editor_page(self, request: HttpRequest, mapping: FieldMapping | None) -> HttpResponse:
        """Change, preview or save the draft, as customers do; add a mapping if there is none."""
        form, now = self.build_form(request, mapping), clock()
        is_valid = mapping is not None or form.is_valid()  # what is valid is in the new mapping
        own_data = OwnDataForm(request.POST or None, prefix="sample")
        editor = build_editor(request, form.instance, own_data)
        if request.method == "POST":
            command, actor = request.POST.get("do", ""), ActorContext.of_request(request)
            if command == "save" and is_valid and editor.save(actor, now=now):
                messages.success(request, "The field mapping has been saved.")
                return HttpResponseRedirect(self.change_url(editor.mapping))
            editor.run_command(command, call=self.call, now=now)
        return self.page(
            request,
            "outgoing/mapping_editor.html",
            **self.subject_context(request, mapping),
            **editor.build_context(now=now),
            form=None if mapping else form,
            own_data=own_data,
            functions=list_function_help(),
            tenants=list_suggested_tenants(request.user),
        )

    def build_form(self, request: HttpRequest, mapping: FieldMapping | None) -> MappingForm:
        form = MappingForm(request.POST or None, user=request.user, instance=mapping)
        form.initial.update(select_valid_values(form.fields, request.GET.dict()))
        return form

    def subject_context(self, request: HttpRequest, mapping: FieldMapping | None) -> dict[str, Any]:
        """Return what staff see of a mapping beyond customers, and the frame of its page."""
        frame: dict[str, Any] = {"frame_template": FRAME, "media": self.media}
        if mapping is None:
            return frame | {"title": "Add field mapping"}
        routes = visible_rows(Route, request.user).filter(mapping=mapping).select_related("tenant")
        changes = list_changed_versions(mapping, limit=VERSIONS_LIMIT)
        return frame | {
            "title": str(mapping),
            "original": mapping,
            "buttons": self.action_buttons(request, mapping),
            "can_delete": self.has_delete_permission(request, mapping),
            "changes": [(change, change.version.created_by or "") for change in changes],
            "shows_json": True,
            "routes": routes.order_by("name")[:ROUTES_LIMIT],
        }


def build_editor(
    request: HttpRequest, mapping: FieldMapping, own_data: OwnDataForm
) -> MappingEditor:
    """Build the editor as it was posted, or of the stored mapping."""
    tenant, use = load_staff_use(request, mapping)
    if request.method != "POST":
        draft = BodyDraft.of_body(read_stored_body(mapping), read_view(request.GET))
        return MappingEditor(mapping, tenant, use, draft, mapping.name)
    editor = MappingEditor.of_posted(mapping, tenant, use, request.POST)
    if own_data.is_valid() and (data := own_data.cleaned_data["data"]) is not None:
        similar = use.find_document(editor.event_id)
        event = build_sample_event(tenant, similar[0] if similar else None, now=clock())
        editor.entry = (event, event.build_document(tenant, data))
    return editor


def load_staff_use(request: HttpRequest, mapping: FieldMapping) -> tuple[Tenant, MappingUse]:
    """Load the use of a mapping by its tenant. That of a platform mapping, or of a new one, is by
    the tenant of the chosen event, which is one of those that the user may see.
    """
    if mapping.pk and mapping.tenant:
        return mapping.tenant, load_mapping_use(mapping, mapping.tenant)
    patterns = Route.unscoped.filter(mapping=mapping.pk).order_by("pk").values_list("event_type")
    types = [pattern for (pattern,) in patterns[:ROUTES_LIMIT]]
    events = recent_events(request.user, tenant=mapping.tenant, patterns=types or ["*"])
    tenant = mapping.tenant or _find_event_tenant(events, request.POST.get("event"))
    return tenant, load_mapping_use(mapping, tenant, events)


def _find_event_tenant(events: list[Event], event_id: str | None) -> Tenant:
    chosen = [event for event in events if str(event.public_id) == event_id] or events
    return chosen[0].tenant if chosen else build_sample_tenant()
