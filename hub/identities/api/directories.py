"""Directories of connections by REST: begin to read one, and follow its progress."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.audit import ActorContext
from hub.connections.api.queries import find_visible_connection
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.identities.directory_reads import find_directory_read, refresh_directory
from hub.identities.models import DirectoryEntry, DirectoryRead, LocalUser
from hub.identities.stopped_reads import (
    confirm_deactivations,
    describe_stopped_list,
    reject_deactivations,
)
from hub.problems import StrictSerializer
from hub.rest import openapi
from hub.rest.validation import validate_data
from tenants.models import Tenant

READ, WRITE = "connections:read", "connections:write"


READ_INPUT = {"confirm_deactivations": False, "reject_deactivations": False}


class UnlistedPersonSerializer(serializers.Serializer):
    """A person whom a stopped list leaves out."""

    id = serializers.SerializerMethodField(help_text="The id in the system of the list.")
    name = serializers.CharField()
    email = serializers.CharField()

    def get_id(self, person: LocalUser | DirectoryEntry) -> str:
        return person.user_id if isinstance(person, LocalUser) else person.remote_id


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
    would_deactivate_people = serializers.SerializerMethodField(
        help_text="The first ten of these people, by name."
    )
    pages = serializers.IntegerField(source="page_count", help_text="Pages read so far.")
    people = serializers.IntegerField(source="people_count", help_text="People read so far.")
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    complete_at = serializers.DateTimeField(
        allow_null=True, help_text="When a read was last complete, also if a later one is not."
    )

    @extend_schema_field(UnlistedPersonSerializer(many=True))
    def get_would_deactivate_people(self, read: DirectoryRead) -> Any:
        stopped_list = describe_stopped_list(read)
        return UnlistedPersonSerializer(stopped_list.people if stopped_list else (), many=True).data


class ReadDirectorySerializer(StrictSerializer):
    confirm_deactivations = serializers.BooleanField(
        default=False,
        help_text="true: it is right that the last read deactivates as many people as "
        "`would_deactivate` says. It is completed, and no other read begins.",
    )
    reject_deactivations = serializers.BooleanField(
        default=False,
        help_text="true: the list of the last read is wrong. Everyone stays active, and no other "
        "read begins.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a decision for and against the list."""
        if attrs["confirm_deactivations"] and attrs["reject_deactivations"]:
            raise serializers.ValidationError(
                {"reject_deactivations": "A list is confirmed or rejected, not both."}
            )
        return attrs


def describe_read(read: DirectoryRead | None) -> dict[str, Any]:
    """Return what the API shows of a read, with the state *never* if no read was begun (None)."""
    if read is None:
        never = dict.fromkeys(("started_at", "finished_at", "complete_at"))
        none = {"would_deactivate": 0, "would_deactivate_people": [], "pages": 0, "people": 0}
        return {"state": "never", "reason": "", "detail": "", **none} | never
    described: dict[str, Any] = DirectoryReadSerializer(read).data
    return described


def decide_stopped_read(
    tenant: Tenant,
    connection: Connection | None,
    data: dict[str, Any],
    actor: ActorContext,
    *,
    now: datetime,
) -> DirectoryRead | None:
    """Confirm or reject the stopped list, as the request says; None if it says neither."""
    if data["confirm_deactivations"]:
        return confirm_deactivations(tenant, connection, actor, now=now)
    if data["reject_deactivations"]:
        return reject_deactivations(tenant, connection, actor, now=now)
    return None


class DirectoryView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}

    @openapi.describe_operation(
        "directory_retrieve",
        "Read the progress of a directory",
        {200: DirectoryReadSerializer},
        problems=["not-found"],
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
        requests=[openapi.request_example("begin", READ_INPUT)],
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Begin to read the users of the connection's system, in the background. Pairs are
        suggested when it has ended. A read in progress continues.

        A list that is empty, or leaves out more than half of more than ten active users, is stopped
        by the safety valve until `confirm_deactivations` confirms or `reject_deactivations` rejects
        it.
        """
        connection = find_visible_connection(request, id)
        data = validate_data(ReadDirectorySerializer, request.data)
        actor, now = ActorContext.of_request(request), clock()
        read = connection.tenant and decide_stopped_read(
            connection.tenant, connection, data, actor, now=now
        )
        read = read or refresh_directory(connection, actor, now=now)
        return Response(describe_read(read), status=202)
