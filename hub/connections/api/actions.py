"""REST actions on a connection: those declared, and the table of those with an own answer."""

import secrets

from django.views.decorators.debug import sensitive_variables
from rest_framework.response import Response

from hub.connections.actions import connection_actions, signing_secret_actions
from hub.connections.actions.connection_actions import InvalidConnectionState
from hub.connections.actions.declared_actions import CONNECTION_ACTIONS
from hub.connections.api.action_request import ActionRequest, ConnectionAction
from hub.connections.api.connect_links import create_link_response
from hub.connections.api.disconnect_actions import DISCONNECT_ACTIONS
from hub.connections.api.form_input import build_busy_problem
from hub.connections.api.input_serializers import DisableSerializer, PauseSerializer
from hub.connections.api.link_serializers import MadeConnectLinkSerializer
from hub.connections.api.queries import find_visible_connection
from hub.connections.api.serializers import (
    ConnectionSerializer,
    RotatedSecretSerializer,
    TestSerializer,
)
from hub.connections.credentials import account_probe, probe_checklist
from hub.problems import Problem
from hub.rest import openapi
from hub.rest.actions import ActionBody, ActionResource, build_action_urls


def _test(action: ActionRequest) -> Response:
    if action.connection.is_disconnected:
        raise InvalidConnectionState(action.connection)
    probe_result = connection_actions.perform_connection_test(
        action.connection, action.actor, call=action.call, now=action.now
    )
    if probe_result.reason == account_probe.PROBES_BUSY:
        raise build_busy_problem()
    body = {
        "passed": probe_result.passed,
        "reason": probe_result.reason,
        "steps": [step._asdict() for step in probe_checklist.list_probe_steps(probe_result)],
        "connection": action.reload_connection(),
    }
    return Response(TestSerializer(body).data)


@sensitive_variables()
def _rotate_signing_secret(action: ActionRequest) -> Response:
    secret, overlap_until = signing_secret_actions.change_signing_secret(
        action.connection, action.actor, random=secrets.token_bytes, now=action.now
    )
    body = {
        "signing_secret": secret,
        "overlap_until": overlap_until,
        "connection": action.reload_connection(),
    }
    return Response(RotatedSecretSerializer(body).data)


def _end_signing_overlap(action: ActionRequest) -> Response:
    signing_secret_actions.end_signing_overlap(action.connection, action.actor, now=action.now)
    return action.respond_with_connection()


def _create_reconnect_link(action: ActionRequest) -> Response:
    connection = action.connection
    if connection.tenant is None:
        raise Problem(
            "wrong-state", "This connection belongs to the platform. Staff can reconnect it."
        )
    return create_link_response(
        action.request,
        connection.tenant,
        connection.connector,
        connection=connection,
        now=action.now,
    )


DECLARED_ACTION_URLS = build_action_urls(
    ActionResource(
        rows="connections",
        row="connection",
        find=find_visible_connection,
        find_changeable=find_visible_connection,
        serializer=ConnectionSerializer,
        serialize=lambda request, connection: ConnectionSerializer(connection).data,
        bodies={
            "pause": ActionBody(
                PauseSerializer,
                [openapi.request_example("until it is resumed", {"reason": "They move servers."})],
            ),
            "disable": ActionBody(
                DisableSerializer,
                [
                    openapi.request_example(
                        "until it is enabled", {"reason": "They asked us to stop."}
                    )
                ],
            ),
        },
    ),
    CONNECTION_ACTIONS,
)

# By the last part of the URL, below `connections/<id>/`.
ACTIONS = {
    "test": ConnectionAction(
        _test,
        "Test a connection",
        "Test the connection at the external system; its state follows the result.\n\n"
        "The test has no effect there.",
        TestSerializer,
    ),
    "rotate-signing-secret": ConnectionAction(
        _rotate_signing_secret,
        "Rotate the signing secret of an endpoint",
        "Rotate the signing secret: the old one signs for another 24 hours beside the new one.\n\n"
        "Only this response contains the new secret. Only webhook endpoints have a signing secret.",
        RotatedSecretSerializer,
    ),
    "end-signing-overlap": ConnectionAction(
        _end_signing_overlap,
        "End the overlap of signing secrets",
        "End the overlap: only the newest secret signs. Use it after an old secret leaked.",
        ConnectionSerializer,
    ),
    **DISCONNECT_ACTIONS,
    "reconnect-link": ConnectionAction(
        _create_reconnect_link,
        "Create a reconnect link",
        "Create a connect link of this connection, to authorize it without an account here.\n\n"
        "It works once, within 24 hours. A person with an account here reconnects on the "
        "connection's\npage.",
        MadeConnectLinkSerializer,
        status=201,
        problems=(*openapi.CHANGE_PROBLEMS, "too-many-links"),
    ),
}
