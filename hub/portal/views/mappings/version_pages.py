"""The versions of a mapping with their differences, and restoring one."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hub.mappings.mapping_actions import MAPPING_ACTIONS
from hub.mappings.rows.row_texts import describe_target
from hub.mappings.rows.version_changes import list_changed_versions
from hub.portal.actions import ActionPages, build_action_view
from hub.portal.activity import find_version_authors
from hub.portal.views.mappings.mapping_pages import (
    get_mapping,
    get_own_mapping,
)
from hub.staff import parse_number
from tenants.access.tenant_users import TenantUser, tenant_view

VERSIONS_SHOWN = 20


@require_safe
@tenant_view()
def list_versions(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """List the versions, newest first, each with its difference to the one before."""
    mapping = get_mapping(tenant_user, id)
    before = parse_number(request.GET.get("before", ""))
    changes = list_changed_versions(mapping, before, limit=VERSIONS_SHOWN + 1)
    authors = find_version_authors(mapping, [change.version.number for change in changes])
    context = {
        "tenant_user": tenant_user,
        "mapping": mapping,
        "target": describe_target(mapping),
        "changes": [
            (change, authors.get(change.version.number, "")) for change in changes[:VERSIONS_SHOWN]
        ],
        "newer": "?" if before else "",
        "older": f"?before={changes[VERSIONS_SHOWN - 1].version.number}"
        if len(changes) > VERSIONS_SHOWN
        else "",
        "is_own": mapping.tenant_id is not None,
    }
    return render(request, "portal/mappings/versions.html", context)


run_mapping_action = build_action_view(ActionPages(actions=MAPPING_ACTIONS, find=get_own_mapping))
