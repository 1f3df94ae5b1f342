"""The action of a person: check the schemas of a connection now."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from hub.audit import ActorContext
from hub.connections.credentials.provider_call import Call
from hub.connections.models import Connection
from hub.drift.check import CheckResult, SchemaCheckContext, check_connection_objects
from hub.drift.models import DriftSchedule
from hub.drift.schedule import UNCHECKED_STATES, find_next_night, record_check
from hub.problems import Refusal

# of a person, for the answer; the last call may take longer
INTERACTIVE_CHECK_DURATION = timedelta(seconds=8)


class CheckRefused(Refusal):
    """The state of the connection does not allow calls."""

    sentence = _("Nothing was checked: in its state, the connection sends no requests.")


def build_interactive_check_context(
    call: Call, clock: Callable[[], datetime]
) -> SchemaCheckContext:
    """Return the context of a check during which a person waits."""
    until = clock() + INTERACTIVE_CHECK_DURATION
    return SchemaCheckContext(call, clock, is_late=lambda: clock() > until)


def check_schema_now(
    connection: Connection, actor: ActorContext, context: SchemaCheckContext
) -> CheckResult:
    """Check the used objects of a connection, and audit the check.

    Objects that cannot be read in time are checked by the next task. Raises CheckRefused for a
    connection that may not send. No transaction may be open.
    """
    if connection.state in UNCHECKED_STATES:
        raise CheckRefused
    now = context.clock()
    DriftSchedule.unscoped.get_or_create(
        connection=connection, defaults={"check_at": find_next_night(connection, now=now)}
    )
    result = check_connection_objects(connection, context)
    record_check(connection, result, planned_at=now, now=context.clock())
    _audit_check(connection, actor, result, now=context.clock())
    return result


def _audit_check(
    connection: Connection, actor: ActorContext, result: CheckResult, *, now: datetime
) -> None:
    after = {
        "compared": list(result.compared_objects),
        "failed": [object_key for object_key, _outcome in result.failures],
        "left": list(result.unread_objects),
    }
    actor.audit("connection.check_schema", connection, after=after, now=now)
