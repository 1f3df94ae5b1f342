"""REST actions on a connection, and what those answer that say more than the connection does."""

from collections.abc import Mapping
from typing import Any

from django.views.decorators.debug import sensitive_variables

from hub.connections.actions.declared_actions import CONNECTION_ACTIONS
from hub.connections.actions.disconnection import DISCONNECT_ACTIONS, Disconnected
from hub.connections.actions.queued_tests import TEST_ACTIONS, ConnectionTest
from hub.connections.actions.reconnect_links import RECONNECT_ACTIONS, MadeConnectLink
from hub.connections.actions.signing_secret_actions import SECRET_ACTIONS, RotatedSecret
from hub.connections.api import openapi_examples
from hub.connections.api.form_input import build_busy_problem
from hub.connections.api.input_serializers import (
    DisableSerializer,
    DisconnectSerializer,
    PauseSerializer,
)
from hub.connections.api.link_serializers import MadeConnectLinkSerializer
from hub.connections.api.queries import find_visible_connection
from hub.connections.api.serializers import (
    ConnectionSerializer,
    DisconnectedSerializer,
    RotatedSecretSerializer,
    TestSerializer,
)
from hub.connections.credentials import account_probe, probe_checklist
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.rest import openapi
from hub.rest.actions import ActionAnswer, ActionBody, ActionResource, build_action_urls


def _serialize_test(test: ConnectionTest, connection: Connection) -> Mapping[str, Any]:
    if test.result.reason == account_probe.PROBES_BUSY:
        raise build_busy_problem()
    body = {
        "passed": test.result.passed,
        "reason": test.result.reason,
        "steps": [step._asdict() for step in probe_checklist.list_probe_steps(test.result)],
        "connection": connection,
    }
    data: Mapping[str, Any] = TestSerializer(body).data
    return data


@sensitive_variables()
def _serialize_rotated(rotated: RotatedSecret, connection: Connection) -> Mapping[str, Any]:
    body = {
        "signing_secret": rotated.secret,
        "overlap_until": rotated.overlap_until,
        "connection": connection,
    }
    data: Mapping[str, Any] = RotatedSecretSerializer(body).data
    return data


def _serialize_disconnected(
    disconnected: Disconnected, connection: Connection
) -> Mapping[str, Any]:
    body = {
        "cancelling": disconnected.cancelled or 0,
        "detail": disconnected.problem,
        "revoke_at": disconnected.revoke_at,
        "connection": connection,
    }
    data: Mapping[str, Any] = DisconnectedSerializer(body).data
    return data


def _serialize_link(made: MadeConnectLink, connection: Connection) -> Mapping[str, Any]:
    context = {"now": clock(), "url": made.url}
    data: Mapping[str, Any] = MadeConnectLinkSerializer(made.link, context=context).data
    return data


ACTION_URLS = build_action_urls(
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
            "disconnect": ActionBody(
                DisconnectSerializer,
                [
                    openapi.request_example(
                        "and cancel", {"what_waits": "cancel", "reason": "Customer left."}
                    )
                ],
            ),
        },
        answers={
            "test": ActionAnswer(TestSerializer, _serialize_test),
            "rotate_signing_secret": ActionAnswer(RotatedSecretSerializer, _serialize_rotated),
            "disconnect": ActionAnswer(
                DisconnectedSerializer,
                _serialize_disconnected,
                problems=openapi_examples.WRITE_PROBLEMS,
            ),
            "reconnect_link": ActionAnswer(
                MadeConnectLinkSerializer,
                _serialize_link,
                status=201,
                problems=["too-many-links"],
            ),
        },
    ),
    {
        **TEST_ACTIONS,
        **CONNECTION_ACTIONS,
        **RECONNECT_ACTIONS,
        **SECRET_ACTIONS,
        **DISCONNECT_ACTIONS,
    },
)
