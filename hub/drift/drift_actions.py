"""The action of a person: check the schemas of a connection now."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from hub.actions import Action, declare_actions
from hub.audit import ActorContext
from hub.connections.credentials.provider_call import Call, translate_detail
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.drift.check import CheckResult, SchemaCheckContext, check_connection_objects
from hub.drift.models import DriftSchedule
from hub.drift.schedule import UNCHECKED_STATES, find_next_night, record_check
from hub.problems import Refusal
from hub.reason_codes import find_reason

# of a person, for the answer; the last call may take longer
INTERACTIVE_CHECK_DURATION = timedelta(seconds=8)


class CheckRefused(Refusal):
    """The state of the connection does not allow calls."""

    sentence = _("Nothing was checked: in its state, the connection sends no requests.")


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


class SchemaCheck(NamedTuple):
    connection: Connection
    result: CheckResult


def check_while_waiting(
    connection: Connection,
    actor: ActorContext,
    *,
    call: Call,
    random: Callable[[], float],
    now: datetime,
) -> SchemaCheck:
    """Check as much as a person waits for; the next task checks the remaining objects."""
    until = now + INTERACTIVE_CHECK_DURATION
    context = SchemaCheckContext(call, clock, is_late=lambda: clock() > until)
    return SchemaCheck(connection, check_schema_now(connection, actor, context))


def _describe_check(check: SchemaCheck) -> str:
    result = check.result
    if result.failures:
        key, outcome = result.failures[0]
        sentence = find_reason(outcome.reason, system=check.connection.connector.label).sentence
        reason = sentence or translate_detail(outcome.reason, outcome.detail)
        text = gettext("%(object)s could not be read. %(reason)s")
        return text % {"object": key, "reason": reason}
    if result.unread_objects:
        return gettext("The remaining objects are checked in the background.")
    if not result.compared_objects:
        return gettext("There is nothing to check: no route or job uses its fields.")
    count = len(result.compared_objects)
    text = ngettext("%(count)s object was compared.", "%(count)s objects were compared.", count)
    return text % {"count": count}


_declare_check = partial(
    Action[Any],
    label=_("Check now"),
    question=_(
        "Read the objects that routes and jobs use again, and compare them, within the quotas."
    ),
    describe_result=_describe_check,
    is_success=lambda check: not check.result.failures,
    is_atomic=False,
    calls_system=True,
    icon="refresh",
    tone="primary",
)
SCHEMA_ACTIONS = declare_actions(
    _declare_check(
        name="check",
        summary="Check a connection for schema drift",
        run=check_while_waiting,
        scope="connections:write",
        withheld={"staff": "Staff check a connection on the page of one of its findings."},
    ),
)
FINDING_ACTIONS = declare_actions(
    _declare_check(
        name="check_now",
        run=lambda finding, actor, **outside: check_while_waiting(
            finding.connection, actor, **outside
        ),
        withheld={
            "portal": "Customers check on the page of the connection's schema.",
            "rest": "Programs POST to `schema/check` of the connection.",
        },
    ),
)
