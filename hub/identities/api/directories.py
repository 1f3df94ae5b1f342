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
from hub.identities.directory_reads import (
    confirm_deactivations,
    find_directory_read,
    refresh_directory,
)
from hub.identities.models import DirectoryRead
from hub.problems import StrictSerializer
from hub.rest import openapi
from hub.rest.validation import validate_data

READ, WRITE = "connections:read", "connections:write"
DIRECTORY_EXAMPLE = {
    "state": "complete",
    "reason": "",
    "detail": "",
    "would_deactivate": 0,
    "pages": 10,
    "people": 1913,
    "started_at": openapi.EXAMPLE_TIME,
    "finished_at": openapi.EXAMPLE_TIME,
    "complete_at": openapi.EXAMPLE_TIME,
}


READ_INPUT = {"confirm_deactivations": False}


class DirectoryReadSerializer(serializers.Serializer):
    """The last read of a directory."""

    state = serializers.ChoiceField(
        [*DirectoryRead.State.choices, ("never", "Never")],
        help_text="reading: it is under way; incomplete: people may be missing; never: it was not "
        "read yet.",
    )
    reason = serializers.CharField(help_text="A code for why it is not complete.")
    detail = serializers.CharField(help_text="The system's own words, if it refused.")
    would_deactivate = serializers.IntegerField(
        source="stopped_count",
        help_text="How many people the safety valve did not let the read deactivate; 0: it did "
        "not stop.",
    )
    pages = serializers.IntegerField(source="page_count", help_text="Pages read so far.")
    people = serializers.IntegerField(source="people_count", help_text="People read so far.")
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    complete_at = serializers.DateTimeField(
        allow_null=True, help_text="When a read was last complete, also if a later one is not."
    )


class ReadDirectorySerializer(StrictSerializer):
    confirm_deactivations = serializers.BooleanField(
        default=False,
        help_text="true: it is right that the last read deactivates as many people as "
        "`would_deactivate` says. It is completed, and no other read begins.",
    )


def describe_read(read: DirectoryRead | None) -> dict[str, Any]:
    """Return what the API shows of a read; of one that never began, too."""
    if read is None:
        never = dict.fromkeys(("started_at", "finished_at", "complete_at"))
        none = {"would_deactivate": 0, "pages": 0, "people": 0}
        return {"state": "never", "reason": "", "detail": "", **none} | never
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
        request=ReadDirectorySerializer,
        examples={"started": DIRECTORY_EXAMPLE},
        requests=[openapi.request_example("begin", READ_INPUT)],
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Begin to read the users of the connection's system, in the background. Pairs are
        suggested when it has ended. A read that is under way goes on.

        A list that is empty, or leaves out more than half of more than ten active users, is stopped
        by the safety valve until `confirm_deactivations` confirms it.
        """
        connection = find_visible_connection(request, id)
        data = validate_data(ReadDirectorySerializer, request.data)
        actor, now = ActorContext.of_request(request), clock()
        if data["confirm_deactivations"] and connection.tenant:
            read = confirm_deactivations(connection.tenant, connection, actor, now=now)
        else:
            read = refresh_directory(connection, actor, now=now)
        return Response(describe_read(read), status=202)
