"""The REST action that disconnects an account."""

from collections.abc import Mapping
from typing import Any

from rest_framework.response import Response

from hub.connections.actions.disconnection import (
    cancel_waiting_deliveries,
    disconnect_account,
    find_disconnection,
)
from hub.connections.api import openapi_examples
from hub.connections.api.action_request import ActionRequest, ConnectionAction
from hub.connections.api.input_serializers import DisconnectSerializer
from hub.connections.api.serializers import DisconnectedSerializer
from hub.operations.operation_actions import OperationRefused
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


DISCONNECT_ACTIONS: Mapping[str, ConnectionAction] = {
    "disconnect": ConnectionAction(
        _disconnect,
        "Disconnect a connection",
        "Disconnect the account: its authorization is revoked and deleted, now or in 24 hours.\n\n"
        "Nothing is sent from now on. Webhooks are refused, or with `revoke: later` stored for an\n"
        "undo. The history stays, and the account can be connected again.",
        DisconnectedSerializer,
        body=DisconnectSerializer,
        requests=[
            openapi.request_example(
                "and cancel", {"what_waits": "cancel", "reason": "Customer left."}
            )
        ],
        problems=openapi_examples.ACTION_PROBLEMS,
    ),
}
