"""Our users by REST: sent in bulk by our own application, or read from it."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from connectors.directories import Person
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.identities.api.directories import (
    READ,
    READ_INPUT,
    WRITE,
    DirectoryReadSerializer,
    ReadDirectorySerializer,
    decide_stopped_read,
    describe_read,
)
from hub.identities.directory_reads import find_directory_read, refresh_local_users
from hub.identities.local_users import USERS_MAX, put_local_users
from hub.identities.models import EMAIL_LENGTH, ID_LENGTH, TEXT_LENGTH
from hub.identities.people_store import ALIASES_MAX
from hub.mappings.identity_pairs import find_text_problem
from hub.problems import StrictSerializer
from hub.rest import openapi
from hub.rest.fields import TextField
from hub.rest.validation import validate_data
from tenants.access.api_authentication import resolve_tenant

MAX_BYTES = 4 * 1024 * 1024  # 800 bytes for each of USERS_MAX; an ordinary one has 200
USER_EXAMPLE = {
    "id": "u-17",
    "name": "Ann Archer",
    "email": "ann@acme.example",
    "login": "aarcher",
    "aliases": ["ann.archer@acme.example"],
    "other_names": ["Annie"],
    "active": True,
}
USERS_INPUT = {"users": [USER_EXAMPLE], "complete": False}


def _optional_text(max_length: int, help_text: str) -> serializers.CharField:
    return serializers.CharField(
        max_length=max_length, required=False, default="", allow_blank=True, help_text=help_text
    )


def _text_list(max_length: int, help_text: str) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(max_length=max_length),
        max_length=ALIASES_MAX,
        required=False,
        default=list,
        help_text=help_text,
    )


class LocalUserSerializer(StrictSerializer):
    """A user of our own application."""

    id = TextField(max_length=ID_LENGTH, help_text="The id of the user, as events name it.")
    name = _optional_text(TEXT_LENGTH, "Given name and surname.")
    email = _optional_text(EMAIL_LENGTH, "The e-mail address.")
    login = _optional_text(TEXT_LENGTH, "The name with which the user signs in.")
    aliases = _text_list(EMAIL_LENGTH, "Further e-mail addresses and logins.")
    other_names = _text_list(TEXT_LENGTH, "Other names, such as a former surname.")
    active = serializers.BooleanField(default=True, help_text="Whether the user can sign in.")

    def validate_id(self, id: str) -> str:
        """Refuse an id that no identity can name."""
        if problem := find_text_problem("id", id, ID_LENGTH):
            raise serializers.ValidationError(problem)
        return id


class PutUsersSerializer(StrictSerializer):
    users: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=LocalUserSerializer(), max_length=USERS_MAX
    )
    complete = serializers.BooleanField(
        default=False, help_text="true: these are all users; others are deactivated."
    )
    confirm_deactivations = serializers.BooleanField(
        default=False,
        help_text="true: it is right that a complete list is empty, or deactivates more than half "
        "of more than ten active users. Otherwise the safety valve stops such a list.",
    )


class UserCountsSerializer(serializers.Serializer):
    """How many users the request has changed."""

    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    deactivated = serializers.IntegerField()


class LocalUsersView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"PUT": WRITE}

    max_bytes = max_single_bytes = MAX_BYTES

    @openapi.describe_operation(
        "users_put",
        "Send users",
        {200: UserCountsSerializer},
        problems=["tenant-not-found", "safety-valve-stopped"],
        request=PutUsersSerializer,
        requests=[openapi.request_example("one user", USERS_INPUT)],
    )
    def put(self, request: Request, reference: str) -> Response:
        """Create and change users of ours, up to 5,000 (4 MiB) at a time, by which people of
        connected systems are recognized.

        Users that are not named stay as they are, unless the list is `complete`. Repeating the
        request changes nothing. A complete list that is empty, or leaves out more than half of more
        than ten active users, is refused until `confirm_deactivations` confirms it.
        """
        tenant = resolve_tenant(request, reference)
        serializer = PutUsersSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        stored = put_local_users(
            tenant,
            [_build_person(user) for user in data["users"]],
            ActorContext.of_request(request),
            complete=data["complete"],
            are_deactivations_confirmed=data["confirm_deactivations"],
            now=clock(),
        )
        return Response(UserCountsSerializer(stored).data)


def _build_person(user: dict[str, Any]) -> Person:
    return Person(
        user["id"],
        user["name"],
        user["email"],
        user["login"],
        tuple(user["aliases"]),
        tuple(user["other_names"]),
        user["active"],
    )


class LocalDirectoryView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}

    @openapi.describe_operation(
        "users_directory_retrieve",
        "Read the progress of reading our users",
        {200: DirectoryReadSerializer},
        problems=["tenant-not-found"],
    )
    def get(self, request: Request, reference: str) -> Response:
        """Return how the last read of the tenant's users from our own application went."""
        tenant = resolve_tenant(request, reference)
        return Response(describe_read(find_directory_read(tenant, None)))

    @openapi.describe_operation(
        "users_directory_refresh",
        "Read our users",
        {202: DirectoryReadSerializer},
        problems=["tenant-not-found"],
        request=ReadDirectorySerializer,
        requests=[openapi.request_example("begin", READ_INPUT)],
    )
    def post(self, request: Request, reference: str) -> Response:
        """Begin to read the tenant's users from our own application, in the background. A read
        in progress continues.

        A list that is empty, or leaves out more than half of more than ten active users, is stopped
        by the safety valve until `confirm_deactivations` confirms or `reject_deactivations` rejects
        it.
        """
        tenant = resolve_tenant(request, reference)
        data = validate_data(ReadDirectorySerializer, request.data)
        actor, now = ActorContext.of_request(request), clock()
        read = decide_stopped_read(tenant, None, data, actor, now=now)
        read = read or refresh_local_users(tenant, actor, now=now)
        return Response(describe_read(read), status=202)
