"""Actions of staff that end a connection, undo its end, or revoke its authorization at once."""

import secrets
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from hub import egress, staff
from hub.audit import ActorContext
from hub.connections.actions.disconnection import (
    cancel_waiting_deliveries,
    disconnect_account,
    find_disconnection,
    revoke_disconnected_account,
)
from hub.connections.actions.undo_disconnect import undo_disconnect
from hub.connections.credentials import probe_checklist
from hub.connections.forms.action_forms import REVOKE_LATER, StaffDisconnectForm
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.operations.operation_actions import OperationRefused


def _is_connected(connection: Connection) -> bool:
    return not connection.is_disconnected


def _can_be_undone(connection: Connection) -> bool:
    return find_disconnection(connection, now=clock()) is not None


class DisconnectActionsMixin(staff.ModelAdmin):
    """Mixin of the connections' admin: buttons that disconnect, undo it, and revoke at once."""

    call = staticmethod(egress.send_request)

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

    @staff.row_action(
        "Undo the disconnect",
        icon="undo",
        tone="primary",
        is_available=_can_be_undone,
        atomic=False,
    )
    def undo_disconnect(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        actor = ActorContext.of_request(request)
        probe_result = undo_disconnect(
            connection, actor, call=self.call, random=secrets.SystemRandom().random, now=now
        )
        if not probe_result.passed:
            cause = probe_checklist.describe_failed_probe(probe_result)
            raise staff.ActionRejected(f"Not undone, as the test failed: {cause}")
        return staff.ActionResult("The disconnect has been undone. Held deliveries are sent now.")

    @staff.row_action("Revoke now", icon="link_off", tone="danger", is_available=_can_be_undone)
    def revoke_now(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        revoke_disconnected_account(connection, ActorContext.of_request(request), now=now)
        return staff.ActionResult("The authorization is being revoked.")
