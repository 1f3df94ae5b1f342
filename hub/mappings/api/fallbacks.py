"""Fallbacks of identities by REST: what happens to records that have no identity."""

from typing import ClassVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.audit import ActorContext
from hub.connections.api.queries import find_visible_connection
from hub.db.clock import clock
from hub.mappings.api.identities import READ, WRITE, WRITE_PROBLEMS
from hub.mappings.fallbacks import remove_identity_fallback, set_identity_fallback
from hub.mappings.models import IdentityFallback
from hub.problems import StrictSerializer
from hub.rest import openapi
from hub.rest.fields import TextField
from hub.rest.validation import validate_data

FALLBACK_EXAMPLE = {
    "kind": "user",
    "direction": "out",
    "choice": "default",
    "default_id": "005000000000001AAA",
    "explanation": "",
    "updated_at": openapi.EXAMPLE_TIME,
}
FALLBACK_INPUT_EXAMPLE = {
    name: FALLBACK_EXAMPLE[name] for name in ("kind", "direction", "choice", "default_id")
}


class FallbackKeySerializer(StrictSerializer):
    """The key of a fallback: a kind of records, and a direction."""

    kind = TextField(
        max_length=60, help_text="The kind as used in mappings; of incoming events only user."
    )
    direction = serializers.ChoiceField(
        choices=IdentityFallback.Direction.values,
        help_text="out: deliveries to the other system; in: events from it.",
    )


class FallbackQuery(FallbackKeySerializer):
    from_query = True


class SetFallbackSerializer(FallbackKeySerializer):
    choice = serializers.ChoiceField(
        choices=IdentityFallback.Choice.values,
        help_text="hold: until a record is selected; default: use the record in default_id; "
        "skip: with the reason in explanation.",
    )
    default_id = serializers.CharField(
        max_length=200,
        required=False,
        default="",
        allow_blank=True,
        help_text="The other system's id (out), or the id of our user (in).",
    )
    explanation = serializers.CharField(
        max_length=200,
        required=False,
        default="",
        allow_blank=True,
        help_text="Why it is skipped, for the people who read the log.",
    )


class FallbackSerializer(serializers.Serializer):
    """What happens to records of a kind that have no identity."""

    kind = serializers.CharField()
    direction = serializers.ChoiceField(choices=IdentityFallback.Direction.values)
    choice = serializers.ChoiceField(choices=IdentityFallback.Choice.values)
    default_id = serializers.CharField()
    explanation = serializers.CharField()
    updated_at = serializers.DateTimeField(help_text="When it was last changed.")


class FallbackListSerializer(serializers.Serializer):
    items = FallbackSerializer(many=True)


class IdentityFallbacksView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "PUT": WRITE, "DELETE": WRITE}

    @openapi.describe_operation(
        "identity_fallbacks_list",
        "List the fallbacks of identities",
        {200: FallbackListSerializer},
        problems=("not-found",),
    )
    def get(self, request: Request, id: UUID) -> Response:
        """List what happens to records without an identity.

        Without a fallback, deliveries are held and incoming events do not name our user.
        """
        connection = find_visible_connection(request, id)
        own = IdentityFallback.unscoped.filter(connection=connection)
        fallbacks = own.order_by("direction", "kind")
        return Response({"items": FallbackSerializer(fallbacks, many=True).data})

    @openapi.describe_operation(
        "identity_fallbacks_set",
        "Set a fallback of identities",
        {200: FallbackSerializer},
        problems=WRITE_PROBLEMS,
        request=SetFallbackSerializer,
        requests=[openapi.request_example("a default user", FALLBACK_INPUT_EXAMPLE)],
    )
    def put(self, request: Request, id: UUID) -> Response:
        """Set the fallback of a kind in one direction; what it holds is evaluated again."""
        connection = find_visible_connection(request, id)
        data = validate_data(SetFallbackSerializer, request.data)
        try:
            fallback = set_identity_fallback(
                connection, actor=ActorContext.of_request(request), now=clock(), **data
            )
        except ValidationError as error:
            raise serializers.ValidationError(error.message_dict) from None
        return Response(FallbackSerializer(fallback).data)

    @openapi.describe_operation(
        "identity_fallbacks_delete",
        "Delete a fallback of identities",
        {200: FallbackSerializer},
        problems=("not-found", "validation-failed"),
        parameters=[FallbackQuery],
    )
    def delete(self, request: Request, id: UUID) -> Response:
        """Delete the fallback: deliveries are held, and events do not name our user."""
        connection = find_visible_connection(request, id)
        key = validate_data(FallbackQuery, request.query_params.dict())
        fallbacks = IdentityFallback.unscoped.select_related("connection__tenant")
        fallback = fallbacks.filter(connection=connection, **key).first()
        if fallback is None:
            raise Http404
        deleted_fallback = FallbackSerializer(fallback).data
        remove_identity_fallback(fallback, ActorContext.of_request(request), now=clock())
        return Response(deleted_fallback)
