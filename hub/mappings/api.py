"""Identities by REST: which record of theirs is meant by ours, within one connection."""

from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.clock import clock
from hub.connections.api.reading import find
from hub.mappings.identify import forget, identify
from hub.mappings.models import Identity, after
from hub.operations.start import Hand
from hub.problems import StrictSerializer
from hub.rest import describe as says
from hub.rest.fields import TextField
from hub.rest.pages import LIMIT, LIMIT_MOST

READ, WRITE = "connections:read", "connections:write"
WRITING = ("invalid-json", "validation-failed", "payload-too-large", "unsupported-media-type", "not-found")

IDENTITY = {
    "kind": "channel",
    "ours": "orders",
    "theirs": "C0123456789",
    "name": "#orders",
    "created_at": says.MOMENT,
    "updated_at": says.MOMENT,
}
SAID = {name: IDENTITY[name] for name in ("kind", "ours", "theirs", "name")}


class OursSerializer(StrictSerializer):
    """One of our records."""

    kind = TextField(max_length=60, help_text="As mappings name it, such as channel, user or product.")
    ours = TextField(max_length=200, help_text="As events name it.")


class SaySerializer(OursSerializer):
    theirs = TextField(max_length=200, help_text="The id there.")
    name = serializers.CharField(
        max_length=200, required=False, default="", allow_blank=True, help_text="What they call it; for people only."
    )

    def validate(self, said: dict[str, Any]) -> dict[str, Any]:
        lists = self.context["connector"].listed.get(said["kind"])
        if lists and (wrong := lists.check(said["theirs"])):
            raise serializers.ValidationError({"theirs": wrong})
        return said


class IdentitySerializer(serializers.Serializer):
    """A pair: our record, and theirs."""

    kind = serializers.CharField()
    ours = serializers.CharField()
    theirs = serializers.CharField()
    name = serializers.CharField(help_text="What they call it, as it was said; may be empty.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(help_text="When it was last changed.")


class IdentityPageSerializer(serializers.Serializer):
    items = IdentitySerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="What follows; null: nothing.")


class IdentitiesQuery(StrictSerializer):
    from_query = True

    kind = serializers.CharField(max_length=60, required=False)
    limit = serializers.IntegerField(min_value=1, max_value=LIMIT_MOST, default=LIMIT)
    after = serializers.CharField(required=False, trim_whitespace=False, help_text="From `next`.")


class IdentitiesView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "PUT": WRITE, "DELETE": WRITE}

    @says.described(
        "identities_list",
        "List identities",
        {200: IdentityPageSerializer},
        problems=("not-found", "validation-failed"),
        parameters=[IdentitiesQuery],
        examples={"a page": {"items": [IDENTITY], "next": None}},
    )
    def get(self, request: Request, id: UUID) -> Response:
        """In the order of kind and ours."""
        connection = find(request, id)
        query = read(IdentitiesQuery, request.query_params.dict())
        rows = Identity.unscoped.filter(connection=connection).order_by("kind", "ours")
        rows = rows.filter(kind=query["kind"]) if "kind" in query else rows
        rows = rows.filter(after(query["after"])) if "after" in query else rows
        limit = query["limit"]
        found = list(rows[: limit + 1])
        kept = {"limit": limit} | ({"kind": query["kind"]} if "kind" in query else {})
        more = urlencode(kept | {"after": found[limit - 1].place}) if len(found) > limit else ""
        url = f"{settings.HUB_PUBLIC_URL}{request.path}?{more}" if more else None
        return Response({"items": IdentitySerializer(found[:limit], many=True).data, "next": url})

    @says.described(
        "identities_say",
        "Set an identity",
        {200: IdentitySerializer},
        problems=WRITING,
        request=SaySerializer,
        examples={"said": IDENTITY},
        requests=[says.asking("a channel", SAID)],
    )
    def put(self, request: Request, id: UUID) -> Response:
        """Say which of theirs is meant; what was said before of the same kind and ours is replaced.

        What was held for want of it goes out.
        """
        connection = find(request, id)
        said = read(SaySerializer, request.data, connector=connection.connector)
        row = identify(connection, hand=Hand.of_key(request), now=clock(), **said)
        return Response(IdentitySerializer(row).data)

    @says.described(
        "identities_forget",
        "Delete an identity",
        {200: IdentitySerializer},
        problems=("not-found", "validation-failed"),
        parameters=[OursSerializer],
        examples={"forgotten": IDENTITY},
    )
    def delete(self, request: Request, id: UUID) -> Response:
        """Forget it: what needs it from now on is held."""
        connection = find(request, id)
        asked = read(OursSerializer, request.query_params.dict())
        rows = Identity.unscoped.select_related("connection__tenant")
        row = rows.filter(connection=connection, **asked).first()
        if row is None:
            raise Http404
        told = IdentitySerializer(row).data
        forget(row, Hand.of_key(request), now=clock())
        return Response(told)


def read(serializer: type[StrictSerializer], said: Any, **context: Any) -> dict[str, Any]:
    reading = serializer(data=said, context=context)
    reading.is_valid(raise_exception=True)
    return reading.validated_data
