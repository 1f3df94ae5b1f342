"""Routes by REST: list, create, read, change, try, enable, disable and delete."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from connectors.http import parse_decimal
from connectors.registry import CONNECTORS
from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.mappings.models import FieldMapping
from hub.outgoing.api.routes import examples
from hub.outgoing.api.routes.dry_runs import require_scope, respond_with_dry_run
from hub.outgoing.api.routes.serializers import (
    ChangeRouteSerializer,
    CreateRouteSerializer,
    RouteSerializer,
    TryRouteSerializer,
)
from hub.outgoing.models import Route
from hub.outgoing.serializers import DryRunSerializer
from hub.outgoing.subscriptions.route_actions import (
    add_route,
    change_route,
    check_route,
    delete_route,
    enable_route,
)
from hub.problems.strict_json import parse_storable_float
from hub.rest import openapi
from hub.rest.fields import object_url
from hub.rest.pagination import PageQuery
from hub.rest.validation import translate_field_names, validate_data
from hub.rest.views import build_detail, build_list
from tenants.access.api_authentication import (
    find_changeable_row,
    in_tenant,
    resolve_owner,
)
from tenants.scoping import visible_rows

READ, WRITE, WRITE_MAPPINGS = "routes:read", "routes:write", "mappings:write"
SHARED_ROUTE = "This route applies to all tenants. Only a platform key can change it."
COLUMNS_BY_FIELD = {"connector": "connector_key", "origin_connector": "origin_connector_key"}
REFERENCES: dict[str, type[Connection] | type[FieldMapping]] = {
    "origin": Connection,
    "connection": Connection,
    "mapping": FieldMapping,
}
CREATE_PROBLEMS = ("tenant-required", "tenant-not-found", "permission-denied")
CHANGE_PROBLEMS = ("not-found", "permission-denied")


class RoutesQuery(PageQuery):
    tenant = serializers.CharField(required=False)
    connector = serializers.ChoiceField([(key, key) for key in CONNECTORS], required=False)
    connection = serializers.UUIDField(required=False, help_text="ID of the target.")
    event_type = serializers.CharField(max_length=120, required=False)
    enabled = serializers.BooleanField(required=False)


def _visible_routes(request: Request) -> QuerySet[Route]:
    references = ("tenant", "origin", "connection", "mapping")
    routes: QuerySet[Route] = visible_rows(Route, request.user).select_related(*references)
    return routes


def find_route(request: Request, id: UUID) -> Route:
    return get_object_or_404(_visible_routes(request), public_id=id)


def _lock_changeable_route(request: Request, id: UUID) -> Route:
    """Lock a route for the transaction. Raises Problem when it is shared and the key a tenant's."""
    routes = _visible_routes(request).select_for_update(of=("self",), no_key=True)
    return find_changeable_row(request, routes, id, shared=SHARED_ROUTE)


def _set_fields(request: Request, route: Route, data: Mapping[str, Any]) -> None:
    """Set the columns in the request; referenced rows must be visible to the key."""
    for name in data.keys() - {"body", "tenant"}:
        value = data[name]
        if name in REFERENCES and value is not None:
            value = visible_rows(REFERENCES[name], request.user).filter(public_id=value).first()
            if value is None:
                raise serializers.ValidationError({name: f"There is no such {name}."})
        setattr(route, COLUMNS_BY_FIELD.get(name, name), value)


class RoutesView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}
    parse_float = staticmethod(parse_storable_float)

    get = build_list(
        "routes_list",
        "List routes",
        "List routes, newest first: a tenant's own and those of the platform for all tenants.",
        RouteSerializer,
        page="RoutePage",
        rows=in_tenant(_visible_routes),
        query=RoutesQuery,
        filters={
            "connector": "connector_key",
            "connection": "connection__public_id",
            "event_type": "event_type",
            "enabled": "enabled",
        },
    )

    @openapi.describe_operation(
        "routes_create",
        "Create a route",
        {201: RouteSerializer},
        problems=CREATE_PROBLEMS,
        request=CreateRouteSerializer,
        requests=[openapi.request_example("large orders", examples.ROUTE_INPUT)],
    )
    def post(self, request: Request) -> Response:
        """Create a route for the events from now on. Without a mapping it gets one of its own; a
        `body` requires the scope mappings:write.
        """
        data = _validate_route(request, CreateRouteSerializer)
        route = Route(tenant=resolve_owner(request, data))
        _set_fields(request, route, data)
        actor = ActorContext.of_request(request)
        with translate_field_names():
            add_route(route, data.get("body"), actor, now=clock())
        return Response(
            RouteSerializer(route).data,
            status=201,
            headers={"Location": object_url("route", route)},
        )


class RouteView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}
    parse_float = staticmethod(parse_storable_float)

    get = build_detail(
        "routes_read",
        "Read a route",
        "Return a route.",
        RouteSerializer,
        find_route,
    )

    @openapi.describe_operation(
        "routes_change",
        "Change a route",
        {200: RouteSerializer},
        problems=CHANGE_PROBLEMS,
        request=ChangeRouteSerializer,
        requests=[openapi.request_example("a filter", examples.ROUTE_CHANGE)],
    )
    def patch(self, request: Request, id: UUID) -> Response:
        """Change a route for events from now on; omitted fields and its tenant stay."""
        route = find_changeable_row(request, _visible_routes(request), id, shared=SHARED_ROUTE)
        data = _validate_route(request, ChangeRouteSerializer)
        _set_fields(request, route, data)
        with translate_field_names():
            check_route(route)  # compiles its expressions before the transaction
        with transaction.atomic(), translate_field_names():
            route = _lock_changeable_route(request, id)
            _set_fields(request, route, data)
            change_route(route, data.get("body"), ActorContext.of_request(request), now=clock())
        return Response(RouteSerializer(route).data)

    @openapi.describe_operation(
        "routes_delete",
        "Delete a route",
        {204: None},
        problems=(*CHANGE_PROBLEMS, "wrong-state"),
    )
    def delete(self, request: Request, id: UUID) -> Response:
        """Delete a route that has no deliveries; a route that has some can be disabled."""
        with transaction.atomic():
            route = _lock_changeable_route(request, id)
            delete_route(route, ActorContext.of_request(request), now=clock())
        return Response(status=204)


class TryRouteView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}
    parse_float = staticmethod(parse_decimal)

    @openapi.describe_operation(
        "routes_try",
        "Try a route",
        {200: DryRunSerializer},
        problems=("not-found", "tenant-required", "tenant-not-found"),
        request=TryRouteSerializer,
        requests=[openapi.request_example("data", examples.TRIAL)],
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Return the result of an event on this route: nothing is stored or sent."""
        route = find_route(request, id)
        data = validate_data(TryRouteSerializer, request.data)
        route.filter = data.get("filter", route.filter)
        return respond_with_dry_run(request, route, data, now=clock())


class EnableRouteView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @openapi.describe_operation(
        "routes_enable",
        "Enable a route",
        {200: RouteSerializer},
        problems=CHANGE_PROBLEMS,
        request=None,
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Let the route match events again, from now on."""
        return _enable(request, id, enabled=True)


class DisableRouteView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @openapi.describe_operation(
        "routes_disable",
        "Disable a route",
        {200: RouteSerializer},
        problems=CHANGE_PROBLEMS,
        request=None,
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Match no events from now on. Existing deliveries are sent; an off switch holds them."""
        return _enable(request, id, enabled=False)


def _enable(request: Request, id: UUID, *, enabled: bool) -> Response:
    route = find_changeable_row(request, _visible_routes(request), id, shared=SHARED_ROUTE)
    with translate_field_names():
        if enabled:
            check_route(route)  # compiles its expressions before the transaction
    with transaction.atomic(), translate_field_names():
        route = _lock_changeable_route(request, id)
        enable_route(route, ActorContext.of_request(request), enabled=enabled, now=clock())
    return Response(RouteSerializer(route).data)


def _validate_route(
    request: Request, serializer_class: type[serializers.Serializer]
) -> dict[str, Any]:
    """Return the validated values; a `body` needs the scope of field mappings, too."""
    data = validate_data(serializer_class, request.data)
    if "body" in data:
        require_scope(request, WRITE_MAPPINGS)
    return data
