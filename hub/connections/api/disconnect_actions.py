"""REST actions that end a connection, undo its end, or revoke its authorization at once."""

import secrets
from collections.abc import Mapping
from typing import Any

from rest_framework.response import Response

from hub.connections.actions.disconnection import (
    cancel_waiting_deliveries,
    disconnect_account,
    find_disconnection,
    revoke_disconnected_account,
)
from hub.connections.actions.undo_disconnect import undo_disconnect
from hub.connections.api import openapi_examples
from hub.connections.api.action_request import ActionRequest, ConnectionAction
from hub.connections.api.form_input import build_busy_problem
from hub.connections.api.input_serializers import DisconnectSerializer
from hub.connections.api.serializers import ConnectionSerializer, DisconnectedSerializer
from hub.connections.credentials import account_probe, probe_checklist
from hub.operations.operation_actions import OperationRefused
from hub.problems import Problem
from hub.rest import openapi


def _disconnect(action: ActionRequest) -> Response:
    keeps_events = action.data["what_waits"] != "cancel"
    disconnect_account(
        action.connection,
        action.actor,
        reason=action.data["reason"],
        keeps_events=keeps_events,
        can_be_undone=action.data["revoke"] == "later",
        now=action.now,
    )
    disconnection = find_disconnection(action.connection, now=action.now)
    revoke_at = disconnection.revoke_at if disconnection else None
    body: dict[str, Any] = {"cancelling": 0, "detail": "", "revoke_at": revoke_at}
    if not keeps_events:
        try:
            body["cancelling"] = cancel_waiting_deliveries(
                action.connection, action.actor, now=action.now
            )
        except OperationRefused as refused:  # the account is disconnected nevertheless
            body["detail"] = str(refused)
    body["connection"] = action.reload_connection()
    return Response(DisconnectedSerializer(body).data)


def _undo_disconnect(action: ActionRequest) -> Response:
    probe_result = undo_disconnect(
        action.connection,
        action.actor,
        call=action.call,
        random=secrets.SystemRandom().random,
        now=action.now,
    )
    if probe_result.reason == account_probe.PROBES_BUSY:
        raise build_busy_problem()
    if not probe_result.passed:
        cause = probe_checklist.describe_failed_probe(probe_result)
        raise Problem("wrong-state", f"Not undone, as the test failed: {cause}")
    return action.respond_with_connection()


def _revoke_now(action: ActionRequest) -> Response:
    revoke_disconnected_account(action.connection, action.actor, now=action.now)
    return action.respond_with_connection()


DISCONNECT_ACTIONS: Mapping[str, ConnectionAction] = {
    "disconnect": ConnectionAction(
        _disconnect,
        "Disconnect a connection",
        "Disconnect the account: its authorization is revoked and deleted, now or in 24 hours.\n\n"
        "Nothing is sent from now on. Webhooks are refused, or with `revoke: later` stored for an\n"
        "undo. The history stays, and the account can be connected again.",
        DisconnectedSerializer,
        {"disconnected": openapi_examples.DISCONNECTED},
        body=DisconnectSerializer,
        requests=[
            openapi.request_example(
                "and cancel", {"what_waits": "cancel", "reason": "Customer left."}
            )
        ],
        problems=openapi_examples.ACTION_PROBLEMS,
    ),
    "undo-disconnect": ConnectionAction(
        _undo_disconnect,
        "Undo the disconnect of a connection",
        "Restore a connection that was disconnected with `revoke: later` in the last 24 hours.\n\n"
        "Its credential is tested first; if the test fails, nothing is changed. Its webhooks are\n"
        "registered again, what was held is sent, and what arrived meanwhile is processed.",
        ConnectionSerializer,
        {"undone": openapi_examples.CONNECTION},
    ),
    "revoke-now": ConnectionAction(
        _revoke_now,
        "Revoke a disconnected account now",
        "End the 24 hours: the authorization is revoked and deleted now.\n\n"
        "The disconnect can then not be undone.",
        ConnectionSerializer,
        {"revoked": openapi_examples.DISCONNECTED_CONNECTION},
    ),
}
