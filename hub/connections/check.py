"""Ask an external system whether it knows our app: a code that nobody was given tells, without effect there."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from connectors.oauth import OAuth
from connectors.outcomes import Outcome, later, never
from connectors.wire import Request, Response, Unreadable
from hub.connections.models import Connection, ConnectorApp
from hub.connections.provider_calls import provider_slot
from hub.connections.spend import NotFree, spending
from hub.connections.unseal import opened
from hub.egress import EgressError
from hub.shared_budget import BudgetExhausted

Call = Callable[[Request], Response]

NO_CODE = "hub-asks-whether-you-know-it"
BUSY = "busy"  # too many systems are asked at this moment; this one was not
BUSY_SENTENCE = "Too many systems are being asked at this moment, so this was not tested. Wait ten seconds, then test."


@dataclass(frozen=True, slots=True)
class Verdict:
    """`known`: True, False, or None where the answer tells neither."""

    known: bool | None
    sentence: str
    detail: str = ""


def check(app: ConnectorApp, connector: OAuth, *, redirect_uri: str, call: Call, now: datetime) -> Verdict:
    """Never raises. Where there are several environments, each is asked: the app may be unknown in one."""
    if not app.set_up:
        return Verdict(False, "Fill in the client id and the client secret first.")
    ask = partial(verdict, app, connector, redirect_uri=redirect_uri, call=call, now=now)
    if not connector.environments:
        return ask()
    told = [(entry, ask(environment=entry.key)) for entry in app.environments]
    if not told:
        return Verdict(False, "Nobody can sign in: no login is inside the hosts that an answer may name.")
    worst = next((one.known for _, one in told if not one.known), True)
    return Verdict(worst, " ".join(f"{entry.label}: {one.sentence} {one.detail}".strip() for entry, one in told))


def verdict(
    app: ConnectorApp, connector: OAuth, *, environment: str = "", redirect_uri: str, call: Call, now: datetime
) -> Verdict:
    """A system looks at our client before it looks at the code."""
    outcome = asked(app, connector, redirect_uri, environment, call=call, now=now)
    if outcome.reason == BUSY:
        return Verdict(None, BUSY_SENTENCE)
    detail = f"{connector.label} said: {outcome.reason} {outcome.detail}".strip()
    problem = connector.problem(outcome.reason)
    if problem == "code_refused":
        return Verdict(True, f"{connector.label} knows our client id, and takes our client secret.", detail)
    if problem == "client_refused":
        return Verdict(False, f"{connector.label} does not know this client id, or refuses this client secret.", detail)
    if problem == "redirect_refused":
        return Verdict(False, f"{connector.label} knows the client, but not our redirect URL {redirect_uri}.", detail)
    return Verdict(None, f"The answer of {connector.label} tells neither yes nor no.", detail)


def asked(
    app: ConnectorApp, connector: OAuth, redirect_uri: str, environment: str, *, call: Call, now: datetime
) -> Outcome:
    connection = Connection(connector_key=app.connector_key, settings={"environment": environment})
    credential, client = opened(connection, app, {}), app.open()
    try:
        verifier = NO_CODE * 2 if connector.pkce else ""
        said = {"code": NO_CODE, "redirect_uri": redirect_uri, "verifier": verifier}
        request = connector.exchange(client, credential, **said)
        with provider_slot(None), spending(connection, request, now=now) as turn:
            answer = connector.exchanged(call(request), client, credential)
            turn.heard(answer)
        return answer if isinstance(answer, Outcome) else never("granted", "it gave tokens for a code of nobody")
    except BudgetExhausted:
        return later(BUSY)
    except (NotFree, EgressError) as error:
        return later("unavailable", str(error))
    except (Unreadable, KeyError, TypeError, ValueError) as error:
        return never("unreadable", str(error))
