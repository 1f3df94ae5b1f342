"""Directories of connections by REST: begin to read one, and follow its progress."""

from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.audit import ActorContext
from hub.connections.api.queries import find_visible_connection
from hub.db.clock import clock
from hub.identities.directory_reads import find_directory_read, refresh_directory
from hub.identities.models import DirectoryRead
from hub.rest import openapi

READ, WRITE = "connections:read", "connections:write"
DIRECTORY_EXAMPLE = {
    "state": "complete",
    "reason": "",
    "detail": "",
    "pages": 10,
    "people": 1913,
    "started_at": openapi.EXAMPLE_TIME,
    "finished_at": openapi.EXAMPLE_TIME,
    "complete_at": openapi.EXAMPLE_TIME,
}


class DirectoryReadSerializer(serializers.Serializer):
    """The last read of a directory."""

    state = serializers.ChoiceField(
        [*DirectoryRead.State.choices, ("never", "Never")],
        help_text="reading: it is under way; incomplete: people may be missing; never: it was not "
        "read yet.",
    )
    reason = serializers.CharField(help_text="A code for why it is not complete.")
    detail = serializers.CharField(help_text="The system's own words, if it refused.")
    pages = serializers.IntegerField(source="page_count", help_text="Pages read so far.")
    people = serializers.IntegerField(source="people_count", help_text="People read so far.")
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    complete_at = serializers.DateTimeField(
        allow_null=True, help_text="When a read was last complete, also if a later one is not."
    )


def describe_read(read: DirectoryRead | None) -> dict[str, Any]:
    """Return what the API shows of a read; of one that never began, too."""
    if read is None:
        never = dict.fromkeys(("started_at", "finished_at", "complete_at"))
        return {"state": "never", "reason": "", "detail": "", "pages": 0, "people": 0} | never
    described: dict[str, Any] = DirectoryReadSerializer(read).data
    return described


class DirectoryView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}

    @openapi.describe_operation(
        "directory_retrieve",
        "Read the progress of a directory",
        {200: DirectoryReadSerializer},
        problems=["not-found"],
        examples={"complete": DIRECTORY_EXAMPLE},
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Return how the last read of the users of the connection's system went."""
        connection = find_visible_connection(request, id)
        if connection.tenant is None:
            raise Http404
        return Response(describe_read(find_directory_read(connection.tenant, connection)))

    @openapi.describe_operation(
        "directory_refresh",
        "Read a directory",
        {202: DirectoryReadSerializer},
        problems=["not-found"],
        request=None,
        examples={"started": DIRECTORY_EXAMPLE},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Begin to read the users of the connection's system, in the background. Pairs are
        suggested when it has ended. A read that is under way goes on.
        """
        connection = find_visible_connection(request, id)
        read = refresh_directory(connection, ActorContext.of_request(request), now=clock())
        return Response(describe_read(read), status=202)
