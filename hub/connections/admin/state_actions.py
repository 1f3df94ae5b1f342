"""The action of staff that tests a connection."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from hub import staff
from hub.audit import ActorContext
from hub.connections.actions import connection_actions
from hub.connections.actions.queued_tests import queue_connection_test
from hub.connections.credentials import probe_checklist
from hub.connections.credentials.account_probe import PROBES_BUSY
from hub.connections.models import Connection


def is_connected(connection: Connection) -> bool:
    return not connection.is_disconnected


class ConnectionActionsMixin(staff.ModelAdmin):
    """Mixin of the connections' admin: the button that tests a connection."""

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
