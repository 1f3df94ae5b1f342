"""The versions of a mapping with their differences, and restoring one."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.mappings.mapping_actions import restore_mapping_version
from hub.mappings.rows.version_changes import list_changed_versions
from hub.portal.activity import find_version_authors
from hub.portal.views.mappings.mapping_pages import (
    ADMIN,
    describe_target,
    get_mapping,
    get_own_mapping,
    redirect_to_mapping,
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


@require_POST
@tenant_view(min_role=ADMIN)
def restore_version_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Store the body of an older version as the newest one."""
    mapping = get_own_mapping(tenant_user, id)
    number = parse_number(request.POST.get("version", ""))
    version = mapping.versions.filter(number=number).first() if number else None
    if version is None:
        raise Http404(id)
    actor = ActorContext.of_visitor(request, tenant_user)
    try:
        restored = restore_mapping_version(mapping, version, actor, now=clock())
    except ValidationError as error:
        messages.warning(request, " ".join(error.messages))
        return redirect_to_mapping(tenant_user, mapping)
    if restored:
        text = _("Version %(old)s has been restored as version %(new)s.")
        messages.success(request, text % {"old": version.number, "new": restored.number})
    else:
        messages.info(request, _("Nothing was changed: the newest version is the same."))
    return redirect_to_mapping(tenant_user, mapping)
