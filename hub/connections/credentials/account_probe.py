"""Test a credential at its external system, without effect there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from connectors.outcomes import Outcome, later
from connectors.schema import Account
from hub.connections.credentials.call_health import is_failure_unresolved
from hub.connections.credentials.connector_context import (
    build_credential,
    collect_secrets,
    find_connector_app,
)
from hub.connections.credentials.provider_call import BUSY, Call, call_provider
from hub.connections.models import Connection, Credential
from hub.crypto.sealed import CannotOpen

PROBES_BUSY = BUSY


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The result of a test: the account if it passed, otherwise kind, reason and detail."""

    account: Account | None
    kind: str = "delivered"
    reason: str = ""
    detail: str = ""

    @property
    def passed(self) -> bool:
        return self.account is not None


@sensitive_variables()
def probe_credential(
    connection: Connection, document: Mapping[str, Any], *, call: Call, now: datetime
) -> ProbeResult:
    """Test a connection with a document, which need not be stored yet. Never raises."""
    connector = connection.connector
    credential = build_credential(
        connection, find_connector_app(connection.connector_key), document
    )
    if refusal := connector.find_credential_problem(credential):
        return ProbeResult(None, "never", "incomplete", refusal)
    if not connector.has_probe:
        return ProbeResult(Account(id=""))
    answer = call_provider(
        connection,
        partial(connector.probe_request, credential, at=now),
        partial(connector.parse_probe, credential=credential),
        call=call,
        now=now,
        secrets=collect_secrets(credential),
        even_if_held=True,
    )
    return _build_failed_result(answer) if isinstance(answer, Outcome) else ProbeResult(answer)


def _build_failed_result(outcome: Outcome) -> ProbeResult:
    return ProbeResult(
        None, outcome.kind, outcome.reason, outcome.detail or outcome.reason.replace("_", " ")
    )


def probe_stored_credential(connection: Connection, *, call: Call, now: datetime) -> ProbeResult:
    """Test the stored credential. Never raises."""
    sealed = getattr(connection, "credential", None)
    try:
        return probe_credential(
            connection, sealed.open(connection) if sealed else {}, call=call, now=now
        )
    except CannotOpen as error:
        return _build_failed_result(later("credential_unreadable", str(error)))


def probe_and_update_state(connection: Connection, *, call: Call, now: datetime) -> ProbeResult:
    """Test the stored credential, and change the connection's state by the result.

    The state stays if another credential was stored during the test. No transaction may be open.
    """
    tested_version = Credential.read_version(connection)
    probe_result = probe_stored_credential(connection, call=call, now=now)
    if probe_result.reason != PROBES_BUSY:
        with transaction.atomic():
            if Credential.lock_if_unchanged(connection, tested_version):
                _apply_probe_result(connection, probe_result, now=now)
    return probe_result


def _apply_probe_result(
    connection: Connection, probe_result: ProbeResult, *, now: datetime
) -> None:
    """Change the state of a locked connection by the result of its test."""
    Connection.unscoped.filter(pk=connection.pk).update(checked_at=now)
    if probe_result.passed and connection.state in ("degraded", "needs_reconnect", "silent"):
        if not is_failure_unresolved(connection):
            connection.mark_healthy(now=now)
    elif probe_result.kind == "reconnect" and connection.state in ("healthy", "degraded", "silent"):
        connection.mark_needs_reconnect(probe_result.reason, probe_result.detail, now=now)
