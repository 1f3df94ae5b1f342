"""REST actions on a connection: test, pause, resume, disable, renew, disconnect, reconnect link."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.audit import ActorContext
from hub.connections.actions import connection_actions
from hub.connections.actions.disconnection import cancel_waiting_deliveries, disconnect_account
from hub.connections.api import openapi_examples
from hub.connections.api.connect_links import create_link_response
from hub.connections.api.form_input import ProviderCallView, build_busy_problem
from hub.connections.api.link_serializers import MadeConnectLinkSerializer
from hub.connections.api.queries import find_visible_connection
from hub.connections.api.serializers import (
    ConnectionSerializer,
    DisableSerializer,
    DisconnectedSerializer,
    DisconnectSerializer,
    PauseSerializer,
    TestSerializer,
)
from hub.connections.credentials import probe, probe_checklist
from hub.connections.models import Connection
from hub.connections.status.effective_status import determine_effective_status
from hub.db.clock import clock
from hub.db.state_machine import InvalidTransition
from hub.operations.operation_actions import OperationRefused
from hub.problems import Problem
from hub.state_texts import state_label


def validate_body(
    request: Request, serializer: type[serializers.Serializer], **context: Any
) -> dict[str, Any]:
    bound_serializer = serializer(data=request.data, context=context)
    bound_serializer.is_valid(raise_exception=True)
    return dict(bound_serializer.validated_data)


def run_action(verb: Callable[..., Any], connection: Connection, *args: Any, **options: Any) -> Any:
    try:
        return verb(connection, *args, **options)
    except (connection_actions.InvalidConnectionState, InvalidTransition) as error:
        raise _build_state_problem(connection) from error


def _build_state_problem(connection: Connection) -> Problem:
    """Build a `wrong-state` problem with the state, its cause and what to do instead."""
    status = determine_effective_status(connection)
    cause = "" if status.reason == connection.state else status.sentence
    words = (f"The connection is {state_label(connection.state)}.", str(cause), str(status.action))
    return Problem("wrong-state", " ".join(filter(None, words)))


class TestView(ProviderCallView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": openapi_examples.WRITE}

    @openapi_examples.describe_operation(
        "connections_test",
        "Test a connection",
        {200: TestSerializer},
        problems=openapi_examples.CHANGE_PROBLEMS,
        request=None,
        examples={"passed": openapi_examples.TESTED},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Test the connection at the external system; its state follows the result.

        The test has no effect there.
        """
        connection, now = find_visible_connection(request, id), clock()
        if connection.is_disconnected:
            raise _build_state_problem(connection)
        probe_result = run_action(
            connection_actions.perform_connection_test,
            connection,
            ActorContext.of_request(request),
            call=self.call,
            now=now,
        )
        if probe_result.reason == probe.PROBES_BUSY:
            raise build_busy_problem()
        body = {
            "passed": probe_result.passed,
            "reason": probe_result.reason,
            "steps": [step._asdict() for step in probe_checklist.list_probe_steps(probe_result)],
            "connection": find_visible_connection(request, id),
        }
        return Response(TestSerializer(body).data)


class PauseView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": openapi_examples.WRITE}

    @openapi_examples.describe_operation(
        "connections_pause",
        "Pause a connection",
        {200: ConnectionSerializer},
        problems=openapi_examples.ACTION_PROBLEMS,
        request=PauseSerializer,
        examples={"paused": openapi_examples.PAUSED},
        requests=[
            openapi_examples.request_example(
                "until it is resumed", {"reason": "They move servers."}
            )
        ],
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Pause the connection: nothing is sent, and new deliveries wait until it is resumed."""
        connection, now = find_visible_connection(request, id), clock()
        data = validate_body(request, PauseSerializer, now=now)
        run_action(
            connection_actions.pause_connection,
            connection,
            data["reason"],
            ActorContext.of_request(request),
            until=data["until"],
            now=now,
        )
        return Response(ConnectionSerializer(find_visible_connection(request, id)).data)


class ResumeView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": openapi_examples.WRITE}

    @openapi_examples.describe_operation(
        "connections_resume",
        "Resume a connection",
        {200: ConnectionSerializer},
        problems=openapi_examples.CHANGE_PROBLEMS,
        request=None,
        examples={"resumed": openapi_examples.CONNECTION},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Resume a paused or enable a disabled connection: its waiting deliveries are sent now."""
        run_action(
            connection_actions.resume_connection,
            find_visible_connection(request, id),
            ActorContext.of_request(request),
            now=clock(),
        )
        return Response(ConnectionSerializer(find_visible_connection(request, id)).data)


class DisableView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": openapi_examples.WRITE}

    @openapi_examples.describe_operation(
        "connections_disable",
        "Disable a connection",
        {200: ConnectionSerializer},
        problems=openapi_examples.ACTION_PROBLEMS,
        request=DisableSerializer,
        examples={"disabled": openapi_examples.DISABLED},
        requests=[
            openapi_examples.request_example(
                "until it is enabled", {"reason": "They asked us to stop."}
            )
        ],
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Disable the connection until `resume`: nothing is sent, new deliveries are held."""
        connection = find_visible_connection(request, id)
        data = validate_body(request, DisableSerializer)
        run_action(
            connection_actions.disable_connection,
            connection,
            data["reason"],
            ActorContext.of_request(request),
            now=clock(),
        )
        return Response(ConnectionSerializer(find_visible_connection(request, id)).data)


class RenewView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": openapi_examples.WRITE}

    @openapi_examples.describe_operation(
        "connections_renew",
        "Renew the access token of a connection",
        {202: ConnectionSerializer},
        problems=openapi_examples.CHANGE_PROBLEMS,
        request=None,
        examples={"requested": openapi_examples.CONNECTION},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Request a new access token from the external system.

        A worker requests it now; read the connection later for its new expiry.
        """
        run_action(
            connection_actions.renew_token,
            find_visible_connection(request, id),
            ActorContext.of_request(request),
            now=clock(),
        )
        return Response(ConnectionSerializer(find_visible_connection(request, id)).data, status=202)


class DisconnectView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": openapi_examples.WRITE}

    @openapi_examples.describe_operation(
        "connections_disconnect",
        "Disconnect a connection",
        {200: DisconnectedSerializer},
        problems=openapi_examples.ACTION_PROBLEMS,
        request=DisconnectSerializer,
        examples={"disconnected": openapi_examples.DISCONNECTED},
        requests=[
            openapi_examples.request_example(
                "and cancel", {"what_waits": "cancel", "reason": "Customer left."}
            )
        ],
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Disconnect the account: its authorization is revoked and deleted.

        The history stays, and the account can be connected again.
        """
        connection, actor, now = (
            find_visible_connection(request, id),
            ActorContext.of_request(request),
            clock(),
        )
        data = validate_body(request, DisconnectSerializer)
        keeps_events = data["what_waits"] != "cancel"
        run_action(
            disconnect_account,
            connection,
            actor,
            reason=data["reason"],
            keeps_events=keeps_events,
            now=now,
        )
        body: dict[str, Any] = {"cancelling": 0, "detail": ""}
        if data["what_waits"] == "cancel":
            try:
                body["cancelling"] = cancel_waiting_deliveries(connection, actor, now=now)
            except OperationRefused as refused:  # the account is disconnected nevertheless
                body["detail"] = str(refused)
        return Response(
            DisconnectedSerializer(body | {"connection": find_visible_connection(request, id)}).data
        )


class ReconnectLinkView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": openapi_examples.WRITE}

    @openapi_examples.describe_operation(
        "connections_reconnect_link",
        "Create a reconnect link",
        {201: MadeConnectLinkSerializer},
        problems=(*openapi_examples.CHANGE_PROBLEMS, "too-many-links"),
        request=None,
        examples={
            "a link": openapi_examples.CONNECT_LINK
            | {"connection": openapi_examples.EXAMPLE_ID, "url": openapi_examples.CONNECT_AT}
        },
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Create a connect link of this connection, to authorize it without an account here.

        It works once, within 24 hours. A person with an account here reconnects on the connection's
        page.
        """
        connection = find_visible_connection(request, id)
        if connection.tenant is None:
            raise Problem(
                "wrong-state", "This connection belongs to the platform. Staff can reconnect it."
            )
        return create_link_response(
            request, connection.tenant, connection.connector, connection=connection, now=clock()
        )
