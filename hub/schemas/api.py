"""REST API: objects and fields of the system of a connection, as they were last read."""

from typing import Any, ClassVar, get_args
from uuid import UUID

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from connectors.object_schemas import SchemaFieldType
from connectors.outcomes import Outcome
from hub import egress
from hub.connections.api.queries import find_visible_connection
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.problems import StrictSerializer
from hub.rest import openapi
from hub.rest.fields import TextField
from hub.schemas.choice_lists import refresh_choice_list
from hub.schemas.models import ChoiceList, ObjectSchema
from hub.schemas.object_schemas import (
    MAX_KEY_LENGTH,
    OBJECT_LIST_KIND,
    find_object_schema,
    list_schema_objects,
    refresh_object_schema,
)

READ, WRITE = "connections:read", "connections:write"
MAX_KIND_LENGTH = 60


class SchemaFieldSerializer(serializers.Serializer):
    """A field of an object of the other system."""

    key = serializers.CharField(help_text="As a mapping of the object writes it.")
    label = serializers.CharField()  # type: ignore[assignment]  # a field has its own `label`
    type = serializers.ChoiceField(get_args(SchemaFieldType))
    required = serializers.BooleanField(  # type: ignore[assignment]  # DRF has its own
        help_text="A new record needs a value."
    )
    writable = serializers.BooleanField()
    picklist = serializers.SerializerMethodField(help_text="The values that can be chosen.")
    references = serializers.ListField(
        child=serializers.CharField(), help_text="Keys of the objects whose ids it takes."
    )
    max_length = serializers.IntegerField(allow_null=True, help_text="Characters; null: unknown.")
    help = serializers.CharField()

    def get_picklist(self, field: Any) -> list[dict[str, str]]:
        return [{"value": value, "label": label} for value, label in field.picklist]


class ObjectSchemaSerializer(serializers.Serializer):
    """The fields of one object, as they were last read."""

    key = serializers.CharField(source="object_key")
    label = serializers.CharField()  # type: ignore[assignment]  # a field has its own `label`
    read_at = serializers.DateTimeField()
    fields = SchemaFieldSerializer(  # type: ignore[assignment]  # a serializer has its own `fields`
        many=True, source="schema_fields"
    )


class SchemaObjectSerializer(serializers.Serializer):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field has its own `label`
    read_at = serializers.DateTimeField(
        allow_null=True, help_text="When its fields were last read; null: never."
    )


class SchemaSerializer(serializers.Serializer):
    """The objects of the other system, as they were last read."""

    objects = SchemaObjectSerializer(many=True)
    read_at = serializers.DateTimeField(
        allow_null=True, help_text="When the list was read; null: never, or it never changes."
    )


class RefreshSerializer(StrictSerializer):
    object = TextField(
        max_length=MAX_KEY_LENGTH,
        required=False,
        default="",
        help_text="The object whose fields are read. Omitted: a list.",
    )
    choices = TextField(
        max_length=MAX_KIND_LENGTH,
        required=False,
        default=OBJECT_LIST_KIND,
        help_text="The list that is read, as a question of a recipe names it: `channel`. Omitted: "
        "the objects.",
    )


class RefreshResultSerializer(serializers.Serializer):
    is_read = serializers.BooleanField(help_text="false: what was read before is unchanged.")
    reason = serializers.CharField(help_text="Why it could not be read, a code; empty: it was.")
    detail = serializers.CharField()
    read_at = serializers.DateTimeField(allow_null=True)


class SchemaView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @openapi.describe_operation(
        "schema_read",
        "List the objects of a system",
        {200: SchemaSerializer},
        problems=["not-found"],
    )
    def get(self, request: Request, id: UUID) -> Response:
        """List the objects as they were last read; the other system is not asked."""
        connection = find_visible_connection(request, id)
        return Response(SchemaSerializer(build_object_list(connection)).data)


class ObjectSchemaView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @openapi.describe_operation(
        "schema_object_read",
        "Read the fields of an object",
        {200: ObjectSchemaSerializer},
        problems=["not-found"],
    )
    def get(self, request: Request, id: UUID, object: str) -> Response:
        """Return the fields as they were last read; 404 if they never were."""
        connection = find_visible_connection(request, id)
        schema = find_object_schema(connection, object)
        if schema is None:
            raise Http404(object)
        return Response(ObjectSchemaSerializer(schema).data)


class SchemaRefreshView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @openapi.describe_operation(
        "schema_refresh",
        "Read a schema again",
        {200: RefreshResultSerializer},
        problems=["not-found"],
        request=RefreshSerializer,
        requests=[
            openapi.request_example("an object", {"object": "Contact"}),
            openapi.request_example("a list of choices", {"choices": "channel"}),
        ],
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Ask the other system, within the quotas: for an object's fields, for its objects, or for
        the records of a list from which a recipe's answer is chosen.
        """
        connection = find_visible_connection(request, id)
        serializer = RefreshSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        result = _refresh(connection, **serializer.validated_data)
        return Response(RefreshResultSerializer(result).data)


def build_object_list(connection: Connection) -> dict[str, Any]:
    """Return the objects with the times of their reads; two queries."""
    objects = list_schema_objects(connection)
    read = ObjectSchema.unscoped.filter(connection=connection)
    times = dict(read.values_list("object_key", "read_at"))
    stored = ChoiceList.unscoped.filter(connection=connection, kind=OBJECT_LIST_KIND).first()
    return {
        "objects": [
            {"key": entry.key, "label": str(entry.label), "read_at": times.get(entry.key)}
            for entry in objects or ()
        ],
        "read_at": stored.read_at if stored else None,
    }


def _refresh(connection: Connection, *, object: str, choices: str) -> dict[str, Any]:
    now = clock()
    answer: ObjectSchema | ChoiceList | Outcome
    if object:
        answer = refresh_object_schema(connection, object, call=egress.send_request, now=now)
    else:
        answer = refresh_choice_list(connection, choices, call=egress.send_request, now=now)
    if isinstance(answer, Outcome):
        failed = {"reason": answer.reason, "detail": answer.detail}
        return {"is_read": False, **failed, "read_at": None}
    return {"is_read": True, "reason": "", "detail": "", "read_at": now}
