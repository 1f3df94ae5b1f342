"""What a program does about a connection: test, pause, resume, disconnect, and send a person to it."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.clock import clock
from hub.connections import checks, probe, steer
from hub.connections.api import described as says
from hub.connections.api.filled import CallingView, too_many_tests
from hub.connections.api.links import made
from hub.connections.api.reading import find
from hub.connections.api.shown import (
    ConnectionSerializer,
    DisconnectedSerializer,
    DisconnectSerializer,
    PauseSerializer,
    TestSerializer,
)
from hub.connections.api.shown_links import MadeConnectLinkSerializer
from hub.connections.disconnect import cancel_what_waits, disconnect
from hub.connections.models import Connection
from hub.connections.stands import standing
from hub.operations.start import Hand, Refused
from hub.problems import Problem
from hub.states import WrongState
from hub.words import state_word


def said_in(request: Request, serializer: type[serializers.Serializer], **context: Any) -> dict[str, Any]:
    read = serializer(data=request.data, context=context)
    read.is_valid(raise_exception=True)
    return read.validated_data


def do(verb: Callable[..., Any], connection: Connection, *args: Any, **said: Any) -> Any:
    try:
        return verb(connection, *args, **said)
    except (steer.NotNow, WrongState) as error:
        raise not_now(connection) from error


def not_now(connection: Connection) -> Problem:
    """How it stands, and what to do instead."""
    stands = standing(connection)
    why = "" if stands.reason == connection.state else stands.sentence
    words = (f"The connection is {state_word(connection.state)}.", str(why), str(stands.action))
    return Problem("wrong-state", " ".join(filter(None, words)))


class TestView(CallingView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": says.WRITE}

    @says.described(
        "connections_test",
        "Test a connection",
        {200: TestSerializer},
        problems=says.DECIDING,
        request=None,
        examples={"passed": says.TESTED},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Ask the other system now, without effect there; the connection's state follows what was found."""
        connection, now = find(request, id), clock()
        if connection.disconnected:
            raise not_now(connection)
        finding = do(steer.test, connection, Hand.of_key(request), call=self.call, now=now)
        if finding.reason == probe.BUSY:
            raise too_many_tests()
        found = {
            "passed": finding.lives,
            "reason": finding.reason,
            "steps": [step._asdict() for step in checks.steps(finding)],
            "connection": find(request, id),
        }
        return Response(TestSerializer(found).data)


class PauseView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": says.WRITE}

    @says.described(
        "connections_pause",
        "Pause a connection",
        {200: ConnectionSerializer},
        problems=says.STEERING,
        request=PauseSerializer,
        examples={"paused": says.PAUSED},
        requests=[says.asking("until it is resumed", {"reason": "They move servers."})],
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Nothing is sent over it; what is accepted meanwhile waits, and goes when it is resumed."""
        connection, now = find(request, id), clock()
        said = said_in(request, PauseSerializer, now=now)
        do(steer.pause, connection, said["reason"], Hand.of_key(request), until=said["until"], now=now)
        return Response(ConnectionSerializer(find(request, id)).data)


class ResumeView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": says.WRITE}

    @says.described(
        "connections_resume",
        "Resume a connection",
        {200: ConnectionSerializer},
        problems=says.DECIDING,
        request=None,
        examples={"resumed": says.CONNECTION},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """A paused or disabled connection is used again: what waited goes out now."""
        do(steer.resume, find(request, id), Hand.of_key(request), now=clock())
        return Response(ConnectionSerializer(find(request, id)).data)


class DisconnectView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": says.WRITE}

    @says.described(
        "connections_disconnect",
        "Disconnect a connection",
        {200: DisconnectedSerializer},
        problems=says.STEERING,
        request=DisconnectSerializer,
        examples={"disconnected": says.DISCONNECTED},
        requests=[says.asking("and cancel", {"what_waits": "cancel", "reason": "They left."})],
    )
    def post(self, request: Request, id: UUID) -> Response:
        """The authorization is given back and forgotten here; the history stays, and the account can come back."""
        connection, hand, now = find(request, id), Hand.of_key(request), clock()
        said = said_in(request, DisconnectSerializer)
        keeps_events = said["what_waits"] != "cancel"
        do(disconnect, connection, hand, reason=said["reason"], keeps_events=keeps_events, now=now)
        told: dict[str, Any] = {"cancelling": 0, "detail": ""}
        if said["what_waits"] == "cancel":
            try:
                told["cancelling"] = cancel_what_waits(connection, hand, now=now)
            except Refused as refused:  # it is disconnected all the same
                told["detail"] = str(refused)
        return Response(DisconnectedSerializer(told | {"connection": find(request, id)}).data)


class ReconnectLinkView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": says.WRITE}

    @says.described(
        "connections_reconnect_link",
        "Create a reconnect link",
        {201: MadeConnectLinkSerializer},
        problems=(*says.DECIDING, "too-many-links"),
        request=None,
        examples={"a link": says.CONNECT_LINK | {"connection": says.ANY_ID, "url": says.CONNECT_AT}},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """A connect link of this connection: whoever it is sent to authorizes it again, without an account here.

        It works once, within 24 hours. A person who has an account here finds the same on the connection's page.
        """
        connection = find(request, id)
        if connection.tenant is None:
            raise Problem("wrong-state", "It is the platform's own: staff mend it.")
        return made(request, connection.tenant, connection.connector, connection=connection, now=clock())
