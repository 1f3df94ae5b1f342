"""Ask an external system whether a credential lives, without effect there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_variables

from connectors.http import Request, Response, Unreadable
from connectors.outcomes import Outcome, later, never
from connectors.schema import Account, Credential
from hub.connections.credentials.call_health import is_failure_unresolved
from hub.connections.credentials.connector_context import (
    build_credential,
    collect_secrets,
    redact_outcome,
)
from hub.connections.credentials.provider_call import provider_slot
from hub.connections.models import Connection, ConnectorApp
from hub.connections.quotas.metered_call import QuotaExhausted, meter_call
from hub.crypto.sealed import CannotOpen
from hub.egress import EgressError, EgressRefused
from hub.shared_budget import BudgetExhausted

Call = Callable[[Request], Response]
T = TypeVar("T")

PROBES_BUSY = "busy"  # too many tests at this moment; nothing was asked


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a test found: the account where it lives, otherwise what is wrong, in a code and in words."""

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
    """Test a connection with a document that need not be stored yet. Never raises."""
    connector = connection.connector
    credential = build_credential(
        connection, find_connector_app(connection.connector_key), document
    )
    if refusal := connector.check(credential):
        return ProbeResult(None, "never", "incomplete", refusal)
    build, parse = (
        partial(connector.probe_request, credential, at=now),
        partial(connector.parse_probe, credential=credential),
    )
    answer = call_provider(connection, credential, build, parse, call=call, now=now)
    return _build_failed_result(answer) if isinstance(answer, Outcome) else ProbeResult(answer)


@sensitive_variables()
def call_provider(
    connection: Connection,
    credential: Credential,
    build: Callable[[], Request],
    parse: Callable[[Response], T | Outcome],
    *,
    call: Call,
    now: datetime,
) -> T | Outcome:
    """What one call found, otherwise what is wrong. Never raises."""
    try:
        request = build()
        with (
            provider_slot(connection.tenant_id),
            meter_call(connection, request, now=now) as metered_call,
        ):
            answer = parse(call(request))
            metered_call.record_response(answer)
    except BudgetExhausted:
        answer = later(PROBES_BUSY, busy_sentence())
    except QuotaExhausted as spent:
        answer = later("throttled", str(spent))
    except EgressRefused as refused:
        answer = never(refused.reason, str(refused))
    except EgressError as error:
        answer = later(error.reason, str(error))
    except (Unreadable, KeyError, TypeError, ValueError) as error:
        answer = never(
            "unreadable", f"the answer is not what {connection.connector.label} documents: {error}"
        )
    return (
        redact_outcome(answer, collect_secrets(credential))
        if isinstance(answer, Outcome)
        else answer
    )


def busy_sentence() -> str:
    return gettext(
        "Too many connections are being tested at this moment, so this test was not made and nothing was saved. "
        "Wait ten seconds, then press the button again."
    )


def _build_failed_result(outcome: Outcome) -> ProbeResult:
    return ProbeResult(
        None, outcome.kind, outcome.reason, outcome.detail or outcome.reason.replace("_", " ")
    )


def find_connector_app(connector: str) -> ConnectorApp | None:
    return ConnectorApp.objects.filter(connector_key=connector).first()


def probe_stored_credential(connection: Connection, *, call: Call, now: datetime) -> ProbeResult:
    """Test what is stored. Never raises."""
    sealed = getattr(connection, "credential", None)
    try:
        return probe_credential(
            connection, sealed.open(connection) if sealed else {}, call=call, now=now
        )
    except CannotOpen as error:
        return _build_failed_result(later("credential_unreadable", str(error)))


def probe_and_update_state(connection: Connection, *, call: Call, now: datetime) -> ProbeResult:
    """Test what is stored, and let the connection's state follow what was found, as far as a test can tell."""
    probe_result = probe_stored_credential(connection, call=call, now=now)
    if probe_result.reason == PROBES_BUSY:
        return probe_result
    Connection.unscoped.filter(pk=connection.pk).update(checked_at=now)
    if probe_result.passed and connection.state in ("degraded", "needs_reconnect", "silent"):
        if not is_failure_unresolved(connection):
            connection.mark_healthy(now=now)
    elif probe_result.kind == "reconnect" and connection.state in ("healthy", "degraded", "silent"):
        connection.mark_needs_reconnect(probe_result.reason, probe_result.detail, now=now)
    return probe_result
