"""Identities by REST: which of their records matches ours, within one connection."""

from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.audit import ActorContext
from hub.connections.api.queries import find_visible_connection
from hub.db.clock import clock
from hub.mappings.identity_pairs import remove_identity, set_identity
from hub.mappings.models import Identity, match_identities_after
from hub.problems import StrictSerializer
from hub.rest import openapi
from hub.rest.fields import TextField
from hub.rest.pagination import DEFAULT_LIMIT, MAX_LIMIT
from hub.rest.validation import validate_data

READ, WRITE = "connections:read", "connections:write"
WRITE_PROBLEMS = (
    "invalid-json",
    "validation-failed",
    "payload-too-large",
    "unsupported-media-type",
    "not-found",
)

IDENTITY_EXAMPLE = {
    "kind": "channel",
    "local_id": "orders",
    "remote_id": "C0123456789",
    "name": "#orders",
    "state": "confirmed",
    "source": "import",
    "confidence": None,
    "conflict": "",
    "evidence": None,
    "created_at": openapi.EXAMPLE_TIME,
    "updated_at": openapi.EXAMPLE_TIME,
}
IDENTITY_INPUT_EXAMPLE = {
    name: IDENTITY_EXAMPLE[name] for name in ("kind", "local_id", "remote_id", "name")
}


class IdentityKeySerializer(StrictSerializer):
    """The key of an identity: one of our records, by kind and id."""

    kind = TextField(
        max_length=60, help_text="The kind as used in mappings, such as channel, user or product."
    )
    local_id = TextField(max_length=200, help_text="The id of our record, as events name it.")


class SetIdentitySerializer(IdentityKeySerializer):
    remote_id = TextField(max_length=200, help_text="The id in the external system.")
    name = serializers.CharField(
        max_length=200,
        required=False,
        default="",
        allow_blank=True,
        help_text="Its name in the external system; for people only.",
    )


class IdentitySerializer(serializers.Serializer):
    """An identity: our record, and the matching record of the other system."""

    kind = serializers.CharField()
    local_id = serializers.CharField()
    remote_id = serializers.CharField()
    name = serializers.CharField(
        help_text="Its name in the external system, as it was set; may be empty."
    )
    state = serializers.ChoiceField(
        Identity.State.choices,
        help_text="Only confirmed identities are used. Of others, `remote_id` is a suggestion, or "
        "empty.",
    )
    source = serializers.ChoiceField(  # type: ignore[assignment]  # a field has its own `source`
        Identity.Source.choices,
        help_text="How it was found; `created`: the hub created the one record for the other; "
        "`import`: over this API.",
    )
    confidence = serializers.FloatField(
        allow_null=True, help_text="Of a suggestion, from 0 to 1; null: it was not compared."
    )
    conflict = serializers.CharField(
        help_text="A code for what is wrong with the pair, such as `renamed`; empty: nothing is."
    )
    evidence = serializers.DictField(
        allow_null=True,
        help_text="What a person needs for the decision: `reason`, and the `candidates`.",
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(help_text="When it was last changed.")


class IdentityPageSerializer(serializers.Serializer):
    items = IdentitySerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="URL of the next page; null: none.")


class IdentitiesQuery(StrictSerializer):
    from_query = True

    kind = serializers.CharField(max_length=60, required=False)
    state = serializers.ChoiceField(
        Identity.State.choices, default=Identity.State.CONFIRMED, help_text="Omitted: confirmed."
    )
    conflicts = serializers.BooleanField(
        default=False, help_text="true: only those with a conflict."
    )
    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)
    after = serializers.CharField(required=False, trim_whitespace=False, help_text="From `next`.")


class IdentitiesView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "PUT": WRITE, "DELETE": WRITE}

    @openapi.describe_operation(
        "identities_list",
        "List identities",
        {200: IdentityPageSerializer},
        problems=("not-found", "validation-failed"),
        parameters=[IdentitiesQuery],
    )
    def get(self, request: Request, id: UUID) -> Response:
        """List the identities of a connection in one state, in the order of kind and local id."""
        connection = find_visible_connection(request, id)
        query = validate_data(IdentitiesQuery, request.query_params.dict())
        filters: dict[str, Any] = {name: query[name] for name in ("kind", "state") if name in query}
        identities = Identity.unscoped.filter(connection=connection, **filters)
        identities = identities.order_by("kind", "local_id")
        identities = identities.exclude(conflict="") if query["conflicts"] else identities
        identities = (
            identities.filter(match_identities_after(query["after"]))
            if "after" in query
            else identities
        )
        limit = query["limit"]
        page = list(identities[: limit + 1])
        next_query: dict[str, Any] = {"limit": limit, **filters}
        next_query |= {"conflicts": "true"} if query["conflicts"] else {}
        next_parameters = (
            urlencode(next_query | {"after": page[limit - 1].cursor}) if len(page) > limit else ""
        )
        url = (
            f"{settings.HUB_PUBLIC_URL}{request.path}?{next_parameters}"
            if next_parameters
            else None
        )
        return Response({"items": IdentitySerializer(page[:limit], many=True).data, "next": url})

    @openapi.describe_operation(
        "identities_set",
        "Set an identity",
        {200: IdentitySerializer},
        problems=WRITE_PROBLEMS,
        request=SetIdentitySerializer,
        requests=[openapi.request_example("a channel", IDENTITY_INPUT_EXAMPLE)],
    )
    def put(self, request: Request, id: UUID) -> Response:
        """Set the matching record of the other system; an identity of the same record is replaced.

        Deliveries that are held because this identity is missing are released. A user of the other
        system can be the match of one user only: a second one is refused.
        """
        connection = find_visible_connection(request, id)
        data = validate_data(SetIdentitySerializer, request.data)
        identity = set_identity(
            connection,
            actor=ActorContext.of_request(request),
            source=Identity.Source.IMPORT,
            now=clock(),
            **data,
        )
        return Response(IdentitySerializer(identity).data)

    @openapi.describe_operation(
        "identities_delete",
        "Delete an identity",
        {200: IdentitySerializer},
        problems=("not-found", "validation-failed"),
        parameters=[IdentityKeySerializer],
    )
    def delete(self, request: Request, id: UUID) -> Response:
        """Delete the identity; deliveries that need it from now on are held."""
        connection = find_visible_connection(request, id)
        key = validate_data(IdentityKeySerializer, request.query_params.dict())
        identities = Identity.unscoped.select_related("connection__tenant")
        identity = identities.filter(connection=connection, **key).first()
        if identity is None:
            raise Http404
        deleted_identity = IdentitySerializer(identity).data
        remove_identity(identity, ActorContext.of_request(request), now=clock())
        return Response(deleted_identity)
