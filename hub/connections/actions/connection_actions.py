"""Actions of a person on a connection, audited: pause, resume, test, rename and others.

Admin, portal and REST call these functions.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables

from connectors.http import Request, Response
from connectors.registry import CONNECTORS
from hub import audit
from hub.audit import ActorContext
from hub.connections.credentials import account_probe, custom_headers
from hub.connections.models import STOPPED_STATES, Connection, Lane
from hub.connections.status.effective_status import determine_effective_status
from hub.db.state_machine import InvalidTransition
from hub.queue import wake_up
from hub.state_texts import state_label

# visits of a support user to a connection's page are audited once in this time
VISIT_AUDIT_INTERVAL = timedelta(hours=1)
WRITE_SCOPE = "connections:write"
NO_UNDO_TEXT = gettext_lazy("The disconnect can no longer be undone. Connect the account again.")


class InvalidConnectionState(InvalidTransition):
    """The state of the connection does not allow the action."""

    def __init__(self, connection: Connection, sentence: str | Promise = "") -> None:
        super().__init__(connection, "another state", sentence or _describe_state(connection))


@contextmanager
def explain_state(connection: Connection) -> Iterator[None]:
    """Raise InvalidConnectionState, which says what to do instead, for InvalidTransition.

    It describes the stored row, which another process may have changed since this one was read.
    """
    try:
        yield
    except InvalidTransition:
        rows = Connection.unscoped.select_related("tenant", "lane")
        stored = rows.filter(pk=connection.pk).first()
        raise InvalidConnectionState(stored or connection) from None


def _describe_state(connection: Connection) -> str:
    """Return the state, its cause and what to do instead."""
    status = determine_effective_status(connection)
    state = _("The connection is %(state)s.") % {"state": state_label(connection.state)}
    cause = "" if status.reason == connection.state else status.sentence
    return " ".join(filter(None, (state, str(cause), str(status.action))))


@transaction.atomic
def pause_connection(
    connection: Connection,
    reason: str,
    actor: ActorContext,
    *,
    until: datetime | None,
    now: datetime,
) -> None:
    """Pause the connection: new deliveries wait.

    Raises InvalidConnectionState if its state cannot be paused, or has changed meanwhile.
    """
    before = {"state": connection.state}
    with explain_state(connection):
        connection.pause(reason, until=until, now=now)
    after = {"state": connection.state, "until": until}
    _audit_connection_change(
        actor, "connection.pause", connection, reason=reason, before=before, after=after, now=now
    )


@transaction.atomic
def resume_connection(connection: Connection, actor: ActorContext, *, now: datetime) -> None:
    """Resume a paused or enable a disabled connection.

    It becomes needs_reconnect if its authorization ended meanwhile. Raises InvalidConnectionState
    if it is neither paused nor disabled, or is disconnected.
    """
    if connection.state not in STOPPED_STATES or connection.is_disconnected:
        raise InvalidConnectionState(connection)
    before = {"state": connection.state, "reason": connection.reason}
    verb = "connection.resume" if connection.state == "paused" else "connection.enable"
    connection.resume(now=now)
    _audit_connection_change(
        actor, verb, connection, before=before, after={"state": connection.state}, now=now
    )
    wake_up("pump", now=now)


@transaction.atomic
def disable_connection(
    connection: Connection, reason: str, actor: ActorContext, *, now: datetime
) -> None:
    """Stop sending until a person enables the connection; new deliveries are held.

    Raises InvalidConnectionState if it is disabled already.
    """
    before = {"state": connection.state}
    with explain_state(connection):
        connection.disable("disabled", reason, now=now)
    actor.audit(
        "connection.disable",
        connection,
        reason=reason,
        before=before,
        after={"state": connection.state},
        now=now,
    )


def is_token_renewable(connection: Connection) -> bool:
    """Return whether the connection's access token expires and can be refreshed."""
    connector = CONNECTORS.get(connection.connector_key)
    if connector is None or not connector.refreshes_tokens:
        return False
    if connection.state in ("needs_reconnect", "disabled"):
        return False
    credential = getattr(connection, "credential", None)
    return credential is not None and credential.refresh_due_at is not None


@transaction.atomic
def renew_token(connection: Connection, actor: ActorContext, *, now: datetime) -> None:
    """Have a worker refresh the access token now.

    Raises InvalidConnectionState if the token cannot be refreshed.
    """
    if not is_token_renewable(connection):
        raise InvalidConnectionState(connection)
    connection.credential.request_refresh(now=now)
    actor.audit("connection.renew", connection, now=now)
    wake_up(f"refresh:{connection.pk}", now=now)


def perform_connection_test(
    connection: Connection,
    actor: ActorContext,
    *,
    call: Callable[[Request], Response],
    now: datetime,
) -> account_probe.ProbeResult:
    """Test the connection, and change its state by the result.

    No transaction may be open: the test calls the external system.
    """
    probe_result = account_probe.probe_and_update_state(connection, call=call, now=now)
    if probe_result.reason == account_probe.PROBES_BUSY:
        return probe_result
    after = {"passed": probe_result.passed, "reason": probe_result.reason}
    _audit_connection_change(actor, "connection.test", connection, after=after, now=now)
    return probe_result


@transaction.atomic
def rename_connection(
    connection: Connection, name: str, actor: ActorContext, *, now: datetime
) -> None:
    """Rename the connection. Its lane is locked first, as other actions may change both."""
    Lane.lock(connection.pk)
    before, connection.name = {"name": connection.name}, name
    connection.save(update_fields=["name"])
    _audit_connection_change(
        actor, "connection.rename", connection, before=before, after={"name": name}, now=now
    )


@transaction.atomic
def change_connection_settings(
    connection: Connection, changes: Mapping[str, Any], actor: ActorContext, *, now: datetime
) -> None:
    """Change settings that need no test, such as the rate limit."""
    connection.refresh_from_db(
        fields=["settings"], from_queryset=Connection.unscoped.select_for_update(no_key=True)
    )
    before = {name: connection.settings.get(name) for name in changes}
    connection.settings = {**connection.settings, **changes}
    connection.save(update_fields=["settings"])
    _audit_connection_change(
        actor, "connection.settle", connection, before=before, after=dict(changes), now=now
    )


@transaction.atomic
@sensitive_variables()
def change_custom_headers(
    connection: Connection,
    put: Mapping[str, str],
    drop: Collection[str],
    actor: ActorContext,
    *,
    now: datetime,
) -> None:
    """Set and remove custom headers; their names are audited.

    Raises ValueError if the connector rejects them, CannotOpen if the credential does not open.
    """
    before = custom_headers.list_header_names(connection)
    after = custom_headers.change_header_values(connection, put, drop, now=now)
    _audit_connection_change(
        actor,
        "endpoint.headers",
        connection,
        before={"headers": before},
        after={"headers": after},
        now=now,
    )


@transaction.atomic
def limit_calls_in_flight(
    connection: Connection, in_flight: int, actor: ActorContext, *, now: datetime
) -> None:
    """Limit the calls in flight on this connection."""
    before, connection.lane.in_flight = {"in_flight": connection.lane.in_flight}, in_flight
    connection.lane.save(update_fields=["in_flight"])
    _audit_connection_change(
        actor,
        "connection.limit",
        connection,
        before=before,
        after={"in_flight": in_flight},
        now=now,
    )


def audit_support_visit(connection: Connection, actor: ActorContext, *, now: datetime) -> None:
    """Audit that a support user reads the connection's page, once an hour for each user."""
    visits = audit.find_audit_rows(connection).filter(
        verb="connection.look", actor_id=actor.actor.id, at__gt=now - VISIT_AUDIT_INTERVAL
    )
    if connection.tenant_id and not visits.exists():
        _audit_connection_change(actor, "connection.look", connection, now=now)


def _audit_connection_change(
    actor: ActorContext, verb: str, connection: Connection, *, now: datetime, **details: Any
) -> None:
    actor.audit(verb, connection, tenant=connection.tenant, now=now, **details)
