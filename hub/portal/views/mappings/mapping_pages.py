"""The field mappings of a tenant: the list, the page of one, and copying a platform mapping."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Max, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hub import egress
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.mappings.mapping_actions import MAPPING_ACTIONS
from hub.mappings.models import FieldMapping
from hub.mappings.rows.body_draft import BodyDraft, read_view
from hub.mappings.rows.row_texts import describe_body, describe_target
from hub.mappings.rows.version_changes import list_changed_versions
from hub.outgoing.insight.mapping_editor.editor import MappingEditor
from hub.outgoing.insight.mapping_editor.mapping_use import load_mapping_use
from hub.outgoing.models import Route
from hub.outgoing.subscriptions.endpoint_routes import ACTION_EVENT_TYPE
from hub.outgoing.subscriptions.mapping_copies import copy_mapping_for_routes
from hub.portal.actions import ActionPages, build_action_view
from hub.portal.activity import find_version_authors
from hub.portal.log.filter_chips import build_query_string
from hub.portal.log.pages import assemble_page, filter_after_cursor, parse_cursor
from hub.portal.navigation import reverse_object_page
from hub.problems import show_refusal
from hub.staff import parse_number
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Membership, Tenant

ADMIN = Membership.Role.ADMIN
PAGE_SIZE = 50
ROUTES_SHOWN = 50
VERSIONS_SHOWN = 20


def readable_mappings(tenant: Tenant) -> QuerySet[Any]:
    """Return the tenant's own mappings, and those of the platform that its routes use.

    Each mapping is annotated with the number and time of its newest version.
    """
    mappings = FieldMapping.objects.of(tenant)
    used = Route.objects.of(tenant).filter(mapping__tenant=None).values("mapping")
    shown_mappings = mappings.filter(tenant=tenant) | mappings.filter(pk__in=used)
    annotated: QuerySet[Any] = shown_mappings.select_related("tenant").annotate(
        newest=Max("versions__number"), changed_at=Max("versions__created_at")
    )
    return annotated


def get_mapping(tenant_user: TenantUser, id: UUID) -> Any:
    """Return a mapping that the tenant may see. Raises Http404."""
    mapping = readable_mappings(tenant_user.tenant).filter(public_id=id).first()
    if mapping is None:
        raise Http404(id)
    return mapping


def get_own_mapping(tenant_user: TenantUser, id: UUID) -> Any:
    """Return the tenant's own mapping. Raises Http404, and PermissionDenied for the platform's."""
    mapping = get_mapping(tenant_user, id)
    if mapping.tenant_id is None:
        raise PermissionDenied
    return mapping


def redirect_to_mapping(tenant_user: TenantUser, mapping: FieldMapping) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse_object_page("portal:mapping", tenant_user.tenant, mapping))


@require_safe
@tenant_view()
def list_mappings(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    """List the mappings, newest first, each with the routes that use it.

    Without those that only pass on the input of an action that a program or a repair requests.
    """
    data, cursor = request.GET.dict(), parse_cursor(request.GET)
    passed_on = Route.objects.of(tenant_user.tenant).filter(event_type=ACTION_EVENT_TYPE)
    listed = readable_mappings(tenant_user.tenant).exclude(pk__in=passed_on.values("mapping"))
    mappings = filter_after_cursor(listed, cursor)
    ordered = mappings.order_by("pk" if cursor.before else "-pk")
    page = assemble_page(list(ordered[: PAGE_SIZE + 1]), cursor, PAGE_SIZE)
    routes: dict[int, list[Route]] = {}
    for route in (
        Route.objects.of(tenant_user.tenant)
        .filter(mapping__in=[mapping.pk for mapping in page.rows])
        .order_by("name", "pk")[: PAGE_SIZE * ROUTES_SHOWN]
    ):
        routes.setdefault(route.mapping_id, []).append(route)
    context = {
        "tenant_user": tenant_user,
        "rows": [
            (mapping, describe_target(mapping), routes.get(mapping.pk, [])) for mapping in page.rows
        ],
        "newer": build_query_string(data, before=page.newer) if page.newer else "",
        "older": build_query_string(data, after=page.older) if page.older else "",
    }
    return render(request, "portal/mappings/list.html", context)


@require_safe
@tenant_view()
def show_mapping(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Show the newest version of a mapping as rows, and the routes that use it."""
    mapping = get_mapping(tenant_user, id)
    version, routes = mapping.versions.latest("number"), load_routes(tenant_user.tenant, mapping)
    context = {
        "tenant_user": tenant_user,
        "mapping": mapping,
        "target": describe_target(mapping),
        "version": version,
        "author": find_version_authors(mapping, [version.number]).get(version.number, ""),
        "rows": describe_body(version.ordered_body),
        "routes": routes,
        "has_own_routes": any(route.tenant_id == tenant_user.tenant.pk for route in routes),
        "is_own": mapping.tenant_id is not None,
    }
    return render(request, "portal/mappings/mapping.html", context)


def load_routes(tenant: Tenant, mapping: FieldMapping) -> list[Route]:
    routes = Route.objects.of(tenant).filter(mapping=mapping).select_related("connection")
    return list(routes.order_by("name", "pk")[:ROUTES_SHOWN])


@require_POST
@tenant_view(min_role=ADMIN)
def copy_mapping_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Copy a mapping for the tenant; the chosen routes of the tenant use the copy from now on."""
    mapping, tenant = get_mapping(tenant_user, id), tenant_user.tenant
    chosen_routes = set(request.POST.getlist("routes"))
    routes = [
        route
        for route in load_routes(tenant, mapping)
        if route.tenant_id == tenant.pk and str(route.public_id) in chosen_routes
    ]
    actor = ActorContext.of_visitor(request, tenant_user)
    name = request.POST.get("name", "").strip() or mapping.name
    with show_refusal(request):
        mapping = copy_mapping_for_routes(mapping, tenant, name, routes, actor, now=clock())
        messages.success(request, _("The mapping has been copied. You can change the copy."))
    return redirect_to_mapping(tenant_user, mapping)


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
