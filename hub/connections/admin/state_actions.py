"""Actions of staff on a connection: test, renew, pause, resume and disable."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from hub import egress, staff
from hub.audit import ActorContext
from hub.connections.actions import connection_actions
from hub.connections.actions.queued_tests import queue_connection_test
from hub.connections.credentials import probe_checklist
from hub.connections.credentials.account_probe import PROBES_BUSY
from hub.connections.forms.action_forms import (
    StaffPauseForm,
    compute_pause_end,
)
from hub.connections.models import Connection

WORKING_STATES = {"healthy", "degraded", "silent"}


def _is_in_state(*states: str) -> Any:
    return lambda connection: connection.state in states


def is_connected(connection: Connection) -> bool:
    return not connection.is_disconnected


def is_switched_off(connection: Connection) -> bool:
    return connection.state == "disabled" and not connection.is_disconnected


def _build_resume_result(word: str, connection: Connection) -> staff.ActionResult:
    if connection.state == "needs_reconnect":
        message = (
            f"{word}, but its authorization is no longer valid: the customer must reconnect it."
        )
        return staff.ActionResult(message, succeeded=False)
    return staff.ActionResult(f"{word}. Waiting deliveries are sent now.")


class ConnectionActionsMixin(staff.ModelAdmin):
    """Mixin of the connections' admin: buttons that change the state of a connection."""

    call = staticmethod(egress.send_request)

    @staff.row_action("Test now", icon="network_check", is_available=is_connected, atomic=False)
    def test(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        actor = ActorContext.of_request(request)
        probe_result = connection_actions.perform_connection_test(
            connection, actor, call=self.call, now=now
        )
        if probe_result.reason == PROBES_BUSY and queue_connection_test(connection, actor, now=now):
            return staff.ActionResult(
                "Other tests are running. A worker runs this one soon; “Last test” shows "
                "the result."
            )
        if probe_result.account:
            return staff.ActionResult(
                f"The test passed: {probe_result.account.name or probe_result.account.id}."
            )
        return staff.ActionResult(
            f"The test failed: {probe_checklist.describe_failed_probe(probe_result)}",
            succeeded=False,
        )

    @staff.row_action(
        "Renew the access token",
        icon="autorenew",
        is_available=connection_actions.is_token_renewable,
    )
    def renew(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        connection_actions.renew_token(connection, ActorContext.of_request(request), now=now)
        return staff.ActionResult("The renewal has been requested. The timeline shows the result.")

    @staff.row_action("Resume", icon="play_arrow", is_available=_is_in_state("paused"))
    def resume(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        connection_actions.resume_connection(connection, ActorContext.of_request(request), now=now)
        return _build_resume_result("Resumed", connection)

    @staff.row_action("Enable", icon="play_arrow", is_available=is_switched_off)
    def enable(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        connection_actions.resume_connection(connection, ActorContext.of_request(request), now=now)
        return _build_resume_result("Enabled", connection)

    @staff.row_action(
        "Pause",
        icon="pause",
        is_available=_is_in_state(*WORKING_STATES),
        form=StaffPauseForm,
        question=(
            "Nothing is sent over a paused connection. New deliveries wait and are sent when "
            "it is resumed."
        ),
    )
    def pause(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        connection_actions.pause_connection(
            connection,
            data["reason"],
            ActorContext.of_request(request),
            until=compute_pause_end(data, now),
            now=now,
        )
        return staff.ActionResult("Paused.")

    @staff.row_action(
        "Disable",
        icon="do_not_disturb_on",
        tone="danger",
        is_available=_is_in_state(*WORKING_STATES, "needs_reconnect", "paused"),
        form=staff.ReasonForm,
        question=(
            "Nothing is sent over a disabled connection until a person enables it. New "
            "deliveries are held."
        ),
    )
    def disable(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        connection_actions.disable_connection(
            connection, data["reason"], ActorContext.of_request(request), now=now
        )
        return staff.ActionResult("Disabled.")
