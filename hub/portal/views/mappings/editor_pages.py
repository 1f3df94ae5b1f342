"""The editor of an own mapping. Every button posts the whole draft; only *Save* stores it."""

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
from hub.outgoing.insight.mapping_editor.editor import MappingEditor
from hub.outgoing.insight.mapping_editor.mapping_use import load_mapping_use
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
    """Show the editor; change, preview or save the draft."""
    mapping, tenant = get_own_mapping(tenant_user, id), tenant_user.tenant
    use = load_mapping_use(mapping, tenant)
    if request.method != "POST":
        draft = BodyDraft.of_body(mapping.current.ordered_body, read_view(request.GET))
        editor = MappingEditor(mapping, tenant, use, draft, mapping.name)
        return render_editor(request, tenant_user, editor)
    editor = MappingEditor.of_posted(mapping, tenant, use, request.POST)
    command = request.POST.get("do", "")
    if command == "save" and save_draft(request, tenant_user, editor):
        return redirect_to_mapping(tenant_user, mapping)
    if command == "refresh":
        editor.refresh_targets(call=egress.send_request, now=clock())
    editor.draft = editor.draft.change(command)
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
    if editor.is_outdated:
        text = _("Version %(number)s was stored meanwhile. Save again to replace it by your draft.")
        editor.version = editor.newest_version
        editor.problem = text % {"number": editor.version}
        return False
    if editor.refuse_unlisted_values(body):
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
