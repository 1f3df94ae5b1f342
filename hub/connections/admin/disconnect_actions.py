"""The action of staff that disconnects an account."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from hub import staff
from hub.audit import ActorContext
from hub.connections.actions.disconnection import (
    cancel_waiting_deliveries,
    disconnect_account,
)
from hub.connections.forms.action_forms import REVOKE_LATER, StaffDisconnectForm
from hub.connections.models import Connection
from hub.operations.operation_actions import OperationRefused


def _is_connected(connection: Connection) -> bool:
    return not connection.is_disconnected


class DisconnectActionsMixin(staff.ModelAdmin):
    """Mixin of the connections' admin: the button that disconnects."""

    @staff.row_action(
        "Disconnect",
        icon="link_off",
        tone="danger",
        is_available=_is_connected,
        form=StaffDisconnectForm,
        question=(
            "Nothing is sent any more, and webhooks are refused. The authorization is revoked at "
            "the other system and deleted here, now or in 24 hours. Until then, webhooks are "
            "stored, and processed if you undo it. The history is kept, and the same account can "
            "be connected again."
        ),
    )
    def disconnect(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        actor = ActorContext.of_request(request)
        disconnect_account(
            connection,
            actor,
            reason=data["reason"],
            keeps_events=data["what_waits"] == "hold",
            can_be_undone=data["revoke"] == REVOKE_LATER,
            now=now,
        )
        if data["what_waits"] == "hold":
            return staff.ActionResult("Disconnected. Waiting deliveries are held.")
        try:
            count = cancel_waiting_deliveries(connection, actor, now=now)
        except OperationRefused as refused:
            return staff.ActionResult(
                f"Disconnected. Waiting deliveries are held and were not cancelled: {refused}",
                succeeded=False,
            )
        return staff.ActionResult(
            f"Disconnected. {count:,} waiting deliveries are being cancelled."
        )
