"""A REST action on a connection: its request, its service function, its OpenAPI description."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from connectors import http
from hub.audit import ActorContext
from hub.connections.api.queries import find_visible_connection
from hub.connections.api.serializers import ConnectionSerializer
from hub.connections.models import Connection
from hub.rest import openapi


@dataclass(frozen=True)
class ActionRequest:
    """A request for an action: the validated body, and the clients for calls to other systems."""

    request: Request
    connection: Connection
    data: Mapping[str, Any]
    call: Callable[[http.Request], http.Response]
    now: datetime

    @property
    def actor(self) -> ActorContext:
        return ActorContext.of_request(self.request)

    def reload_connection(self) -> Connection:
        return find_visible_connection(self.request, self.connection.public_id)

    def respond_with_connection(self, status: int = 200) -> Response:
        return Response(ConnectionSerializer(self.reload_connection()).data, status=status)


@dataclass(frozen=True)
class ConnectionAction:
    """The function that performs an action, and its OpenAPI description.

    `perform` raises InvalidConnectionState or InvalidTransition if the state does not allow it.
    `body` is the serializer of the request; None if it has no body.
    """

    perform: Callable[[ActionRequest], Response]
    summary: str
    description: str
    answer: type[serializers.Serializer]
    status: int = 200
    body: type[serializers.Serializer] | None = None
    requests: Sequence[OpenApiExample] = ()
    problems: Sequence[str] = openapi.CHANGE_PROBLEMS
