"""The editor of an own mapping. Every button posts the whole draft; only *Save* stores it."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from hub import egress
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.mappings.mapping_actions import change_mapping
from hub.mappings.rows.body_draft import BodyDraft, read_view
from hub.outgoing.insight.mapping_editor.mapping_use import load_mapping_use
from hub.portal.mappings.editor import MappingEditor
from hub.portal.views.mappings.mapping_pages import (
    ADMIN,
    describe_target,
    get_own_mapping,
    redirect_to_mapping,
)
from tenants.access.tenant_users import TenantUser, tenant_view


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(min_role=ADMIN)
def edit_mapping_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Show the editor; change the draft, preview or save it."""
    mapping, tenant = get_own_mapping(tenant_user, id), tenant_user.tenant
    use = load_mapping_use(mapping, tenant)
    if request.method != "POST":
        draft = BodyDraft.of_body(mapping.current.body, read_view(request.GET))
        editor = MappingEditor(mapping, tenant, use, draft, mapping.name)
        return render_editor(request, tenant_user, editor)
    editor = MappingEditor.of_posted(mapping, tenant, use, request.POST)
    do, _separator, number = request.POST.get("do", "").partition(" ")
    if do == "save" and save_draft(request, tenant_user, editor):
        return redirect_to_mapping(tenant_user, mapping)
    if do in DRAFT_CHANGES:
        DRAFT_CHANGES[do](editor, number)
    return render_editor(request, tenant_user, editor)


def render_editor(
    request: HttpRequest, tenant_user: TenantUser, editor: MappingEditor
) -> HttpResponse:
    context = {
        "tenant_user": tenant_user,
        "mapping": editor.mapping,
        "target": describe_target(editor.mapping),
        **editor.build_context(now=clock()),
    }
    return render(request, "portal/mappings/editor.html", context)


def save_draft(request: HttpRequest, tenant_user: TenantUser, editor: MappingEditor) -> bool:
    """Store the draft as a new version, and the name; return False if there are errors."""
    body = editor.draft.build_body()
    if body is None:
        return False
    actor = ActorContext.of_visitor(request, tenant_user)
    name = editor.name.strip() or editor.mapping.name
    try:
        change_mapping(editor.mapping, actor, name=name, body=body, now=clock())
    except ValidationError as error:
        editor.problem = " ".join(error.messages)
        return False
    messages.success(request, _("Saved. It applies to deliveries that are not rendered yet."))
    return True


# --- changes of the draft -------------------------------------------------------------------------


def add_row(editor: MappingEditor, _number: str) -> None:
    editor.draft.table.add_row()


def remove_row(editor: MappingEditor, number: str) -> None:
    if number.isdecimal():
        editor.draft.table.remove_row(int(number[:4]))


def show_json(editor: MappingEditor, _number: str) -> None:
    editor.draft = editor.draft.switch_view("json")


def show_table(editor: MappingEditor, _number: str) -> None:
    editor.draft = editor.draft.switch_view("table")


def refresh_fields(editor: MappingEditor, _number: str) -> None:
    editor.refresh_targets(call=egress.send_request, now=clock())


DRAFT_CHANGES: dict[str, Callable[[MappingEditor, str], None]] = {
    "add": add_row,
    "remove": remove_row,
    "json": show_json,
    "table": show_table,
    "refresh": refresh_fields,
}
