"""Ask an external system whether a credential lives, without effect there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_variables

from connectors.outcomes import Outcome, later, never
from connectors.parts import Account, Credential
from connectors.wire import Request, Response, Unreadable
from hub.connections.call_health import is_open_question
from hub.connections.models import Connection, ConnectorApp
from hub.connections.provider_calls import provider_slot
from hub.connections.spend import NotFree, spending
from hub.connections.unseal import opened, redacted, secrets_in
from hub.egress import EgressError, Refused
from hub.secrets import CannotOpen
from hub.shared_budget import BudgetExhausted

Call = Callable[[Request], Response]
T = TypeVar("T")

BUSY = "busy"  # too many tests at this moment; nothing was asked


@dataclass(frozen=True, slots=True)
class Finding:
    """What a test found: the account where it lives, otherwise what is wrong, in a code and in words."""

    account: Account | None
    kind: str = "delivered"
    reason: str = ""
    detail: str = ""

    @property
    def lives(self) -> bool:
        return self.account is not None


@sensitive_variables()
def probe(connection: Connection, document: Mapping[str, Any], *, call: Call, now: datetime) -> Finding:
    """Test a connection with a document that need not be stored yet. Never raises."""
    code = connection.connector
    credential = opened(connection, app_of(connection.connector_key), document)
    if refusal := code.check(credential):
        return Finding(None, "never", "incomplete", refusal)
    build, read = partial(code.probe, credential, at=now), partial(code.probed, credential=credential)
    answer = answered(connection, credential, build, read, call=call, now=now)
    return found(answer) if isinstance(answer, Outcome) else Finding(answer)


@sensitive_variables()
def answered(
    connection: Connection,
    credential: Credential,
    build: Callable[[], Request],
    read: Callable[[Response], T | Outcome],
    *,
    call: Call,
    now: datetime,
) -> T | Outcome:
    """What one call found, otherwise what is wrong. Never raises."""
    try:
        request = build()
        with provider_slot(connection.tenant_id), spending(connection, request, now=now) as turn:
            answer = read(call(request))
            turn.heard(answer)
    except BudgetExhausted:
        answer = later(BUSY, busy_sentence())
    except NotFree as spent:
        answer = later("throttled", str(spent))
    except Refused as refused:
        answer = never(refused.reason, str(refused))
    except EgressError as error:
        answer = later(error.reason, str(error))
    except (Unreadable, KeyError, TypeError, ValueError) as error:
        answer = never("unreadable", f"the answer is not what {connection.connector.label} documents: {error}")
    return redacted(answer, secrets_in(credential)) if isinstance(answer, Outcome) else answer


def busy_sentence() -> str:
    return gettext(
        "Too many connections are being tested at this moment, so this test was not made and nothing was saved. "
        "Wait ten seconds, then press the button again."
    )


def found(outcome: Outcome) -> Finding:
    return Finding(None, outcome.kind, outcome.reason, outcome.detail or outcome.reason.replace("_", " "))


def app_of(connector: str) -> ConnectorApp | None:
    return ConnectorApp.objects.filter(connector_key=connector).first()


def asked(connection: Connection, *, call: Call, now: datetime) -> Finding:
    """Test what is stored. Never raises."""
    sealed = getattr(connection, "credential", None)
    try:
        return probe(connection, sealed.open(connection) if sealed else {}, call=call, now=now)
    except CannotOpen as error:
        return found(later("credential_unreadable", str(error)))


def test(connection: Connection, *, call: Call, now: datetime) -> Finding:
    """Test what is stored, and let the connection's state follow what was found, as far as a test can tell."""
    finding = asked(connection, call=call, now=now)
    if finding.reason == BUSY:
        return finding
    Connection.unscoped.filter(pk=connection.pk).update(checked_at=now)
    if finding.lives and connection.state in ("degraded", "needs_reconnect", "silent"):
        if not is_open_question(connection):
            connection.mark_healthy(now=now)
    elif finding.kind == "reconnect" and connection.state in ("healthy", "degraded", "silent"):
        connection.mark_needs_reconnect(finding.reason, finding.detail, now=now)
    return finding
