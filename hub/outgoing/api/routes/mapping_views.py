"""Field mappings by REST: list, create, read, change, try and delete, and their versions."""

from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from connectors.http import parse_decimal
from connectors.registry import CONNECTORS
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.mappings.mapping_actions import (
    MAPPING_ACTIONS,
    change_mapping,
    create_mapping,
    delete_mapping,
)
from hub.mappings.models import FieldMapping, MappingVersion
from hub.outgoing.api.routes import examples
from hub.outgoing.api.routes.dry_runs import respond_with_dry_run
from hub.outgoing.api.routes.mapping_serializers import (
    ChangeMappingSerializer,
    CreateMappingSerializer,
    MappingRowSerializer,
    MappingSerializer,
    RestoreVersionSerializer,
    TrySerializer,
    VersionPageSerializer,
    VersionSerializer,
)
from hub.outgoing.models import Route
from hub.outgoing.serializers import DryRunSerializer
from hub.problems import StrictSerializer
from hub.problems.strict_json import parse_storable_float
from hub.rest import openapi
from hub.rest.actions import ActionBody, ActionResource, build_action_urls
from hub.rest.fields import object_url
from hub.rest.pagination import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    PageQuery,
)
from hub.rest.validation import translate_field_names, validate_data
from hub.rest.views import build_list
from tenants.access.api_authentication import (
    find_changeable_row,
    in_tenant,
    resolve_owner,
)
from tenants.scoping import visible_rows

READ, WRITE = "mappings:read", "mappings:write"
SHARED_MAPPING = "This mapping applies to all tenants. Only a platform key can change it."
CREATE_PROBLEMS = ("tenant-required", "tenant-not-found", "permission-denied")
CHANGE_PROBLEMS = ("not-found", "permission-denied")


class MappingsQuery(PageQuery):
    tenant = serializers.CharField(required=False)
    connector = serializers.ChoiceField([(key, key) for key in CONNECTORS], required=False)
    action = serializers.CharField(max_length=40, required=False)


class VersionsQuery(StrictSerializer):
    from_query = True

    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)
    after = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, help_text="From `next`."
    )


def _visible_mappings(request: Request) -> QuerySet[FieldMapping]:
    """Select the mappings that the key may see, each with number and time of its newest version."""
    newest = MappingVersion.unscoped.filter(mapping=OuterRef("pk")).order_by("-number")
    mappings: QuerySet[FieldMapping] = (
        visible_rows(FieldMapping, request.user)
        .select_related("tenant")
        .annotate(
            version=Subquery(newest.values("number")[:1]),
            changed_at=Subquery(newest.values("created_at")[:1]),
        )
    )
    return mappings


def _find_mapping(request: Request, id: UUID) -> FieldMapping:
    return get_object_or_404(_visible_mappings(request), public_id=id)


def _find_changeable_mapping(request: Request, id: UUID) -> FieldMapping:
    return find_changeable_row(request, _visible_mappings(request), id, shared=SHARED_MAPPING)


def _describe_mapping(request: Request, id: UUID) -> dict[str, Any]:
    mapping: Any = _find_mapping(request, id)
    mapping.body = mapping.current.ordered_body
    mapping.route_count = visible_rows(Route, request.user).filter(mapping=mapping).count()
    return dict(MappingSerializer(mapping).data)


class MappingsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}
    parse_float = staticmethod(parse_storable_float)

    get = build_list(
        "mappings_list",
        "List field mappings",
        "List field mappings, newest first: a tenant's own and those for all tenants.",
        MappingRowSerializer,
        page="MappingPage",
        rows=in_tenant(_visible_mappings),
        query=MappingsQuery,
        filters={"connector": "connector_key", "action": "action"},
    )

    @openapi.describe_operation(
        "mappings_create",
        "Create a field mapping",
        {201: MappingSerializer},
        problems=CREATE_PROBLEMS,
        request=CreateMappingSerializer,
        requests=[openapi.request_example("a Slack message", examples.MAPPING_INPUT)],
    )
    def post(self, request: Request) -> Response:
        """Create a field mapping for an action, with its first version."""
        data = validate_data(CreateMappingSerializer, request.data)
        mapping = FieldMapping(
            tenant=resolve_owner(request, data),
            name=data["name"],
            connector_key=data["connector"],
            action=data["action"],
        )
        with translate_field_names():
            create_mapping(mapping, data["body"], ActorContext.of_request(request), now=clock())
        return Response(
            _describe_mapping(request, mapping.public_id),
            status=201,
            headers={"Location": object_url("mapping", mapping)},
        )


class MappingView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}
    parse_float = staticmethod(parse_storable_float)

    @openapi.describe_operation(
        "mappings_read",
        "Read a field mapping",
        {200: MappingSerializer},
        problems=["not-found"],
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Return a field mapping with its newest version."""
        return Response(_describe_mapping(request, id))

    @openapi.describe_operation(
        "mappings_change",
        "Change a field mapping",
        {200: MappingSerializer},
        problems=CHANGE_PROBLEMS,
        request=ChangeMappingSerializer,
        requests=[openapi.request_example("another body", examples.MAPPING_CHANGE)],
    )
    def patch(self, request: Request, id: UUID) -> Response:
        """Rename a field mapping, or store a new version. Deliveries that an older version held
        are evaluated again.
        """
        mapping, actor = _find_changeable_mapping(request, id), ActorContext.of_request(request)
        data = validate_data(ChangeMappingSerializer, request.data)
        with translate_field_names():
            change_mapping(
                mapping, actor, name=data.get("name"), body=data.get("body"), now=clock()
            )
        return Response(_describe_mapping(request, id))

    @openapi.describe_operation(
        "mappings_delete",
        "Delete a field mapping",
        {204: None},
        problems=(*CHANGE_PROBLEMS, "wrong-state"),
    )
    def delete(self, request: Request, id: UUID) -> Response:
        """Delete a field mapping that no route uses."""
        mapping = _find_changeable_mapping(request, id)
        delete_mapping(mapping, ActorContext.of_request(request), now=clock())
        return Response(status=204)


class MappingVersionsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @openapi.describe_operation(
        "mappings_versions",
        "List the versions of a field mapping",
        {200: VersionPageSerializer},
        problems=("not-found", "validation-failed"),
        parameters=[VersionsQuery],
    )
    def get(self, request: Request, id: UUID) -> Response:
        """List the versions, newest first."""
        mapping = _find_mapping(request, id)
        query = validate_data(VersionsQuery, request.query_params.dict())
        versions, limit = mapping.versions.order_by("-number"), query["limit"]
        versions = versions.filter(number__lt=query["after"]) if "after" in query else versions
        page = list(versions[: limit + 1])
        parameters = (
            urlencode({"limit": limit, "after": page[limit - 1].number})
            if len(page) > limit
            else ""
        )
        url = f"{settings.HUB_PUBLIC_URL}{request.path}?{parameters}" if parameters else None
        return Response({"items": VersionSerializer(page[:limit], many=True).data, "next": url})


MAPPING_ACTION_URLS = build_action_urls(
    ActionResource(
        rows="mappings",
        row="mapping",
        find=_find_changeable_mapping,
        find_changeable=_find_changeable_mapping,
        serializer=MappingSerializer,
        serialize=lambda request, mapping: _describe_mapping(request, mapping.public_id),
        problems=(*CHANGE_PROBLEMS, "validation-failed"),
        bodies={
            "restore": ActionBody(
                RestoreVersionSerializer,
                [openapi.request_example("the first version", {"version": 1})],
            ),
        },
    ),
    MAPPING_ACTIONS,
)


class TryMappingView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}
    parse_float = staticmethod(parse_decimal)

    @openapi.describe_operation(
        "mappings_try",
        "Try a field mapping",
        {200: DryRunSerializer},
        problems=("not-found", "tenant-required", "tenant-not-found"),
        request=TrySerializer,
        requests=[openapi.request_example("data", examples.TRIAL)],
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Return the result of the mapping for an event: nothing is stored or sent."""
        mapping = _find_mapping(request, id)
        route = Route(
            tenant=mapping.tenant,
            event_type="*",
            connector_key=mapping.connector_key,
            action=mapping.action,
            mapping=mapping,
        )
        return respond_with_dry_run(
            request, route, validate_data(TrySerializer, request.data), now=clock()
        )
