"""The editor of an own mapping. Every button posts the whole draft; only *Save* stores it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from hub import egress
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.mappings.rows.body_draft import BodyDraft, read_view
from hub.outgoing.insight.mapping_editor.editor import MappingEditor
from hub.outgoing.insight.mapping_editor.mapping_use import load_mapping_use
from hub.portal.views.mappings.mapping_pages import (
    ADMIN,
    get_own_mapping,
    redirect_to_mapping,
)
from tenants.access.tenant_users import TenantUser, tenant_view


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(min_role=ADMIN)
def edit_mapping_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Show the editor; change, preview or save the draft."""
    mapping, tenant = get_own_mapping(tenant_user, id), tenant_user.tenant
    use, now = load_mapping_use(mapping, tenant), clock()
    if request.method == "POST":
        editor = MappingEditor.of_posted(mapping, tenant, use, request.POST)
        command, actor = request.POST.get("do", ""), ActorContext.of_visitor(request, tenant_user)
        if command == "save" and editor.save(actor, now=now):
            messages.success(
                request, _("Saved. It applies to deliveries that are not rendered yet.")
            )
            return redirect_to_mapping(tenant_user, mapping)
        editor.run_command(command, call=egress.send_request, now=now)
    else:
        draft = BodyDraft.of_body(mapping.current.ordered_body, read_view(request.GET))
        editor = MappingEditor(mapping, tenant, use, draft, mapping.name)
    context = {"tenant_user": tenant_user, **editor.build_context(now=now)}
    return render(request, "portal/mappings/editor.html", context)
