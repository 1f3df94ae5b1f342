"""Somebody comes back from another system: is it the one who was sent, and what did they bring?"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from connectors.base import Grant
from connectors.oauth import OAuth
from connectors.outcomes import Outcome, later, never, presentable, unknown
from connectors.parts import Credential
from connectors.wire import Request, Response, Unreadable
from hub.connections.authorize.begin import LIFE
from hub.connections.authorize.who import Refused, Who, digest_of
from hub.connections.connect import draft
from hub.connections.models import Authorization, Connection, ConnectorApp
from hub.connections.probe import Finding, app_of, probe
from hub.connections.provider_calls import provider_slot
from hub.connections.revoke import give_back
from hub.connections.spend import NotFree, spending
from hub.connections.unseal import opened, redacted, texts
from hub.egress import EgressError, Unsent
from hub.secrets import CannotOpen
from hub.shared_budget import BudgetExhausted
from hub.states import WrongState

Call = Callable[[Request], Response]
Said = Mapping[str, Sequence[str]]

STATE_MOST, CODE_MOST, SAYS_MOST = 200, 4096, 300  # characters
CONFIRM_WITHIN = timedelta(minutes=10)
OF_THE_CODE = ("code_refused", "request_refused")  # an invented code, and one of another attempt
REFUSED_CODES_MOST = 20  # of one tenant at one system, within the life of an attempt
CLOCKS_APART = timedelta(minutes=5)
KNOWN = {"host_refused", "bad_signature", "no_access_token", "request_refused", "throttled"}  # our problems already


def receive(
    said: Said, *, connector: OAuth, who: Who, redirect_uri: str, call: Call, now: datetime, wait: float = 0.0
) -> Authorization:
    """What came of it stands in the row: `granted`, or `failed` with the reason. Raises Refused where none is theirs.

    Where no slot for the exchange was free within `wait` seconds, it still is `begun`: `redeem_kept` goes on.
    The code is used once, and no transaction is open while the other system is asked.
    """
    row = recognised(said, connector=connector, who=who, now=now)
    if kept_code(row) not in ("", one(said, "code")):
        raise Refused("reused")
    problem, detail = wrong_with(row, said, redirect_uri=redirect_uri)
    try:
        if problem:
            row.fail(problem, detail)
        else:
            redeem_in_turn(row, one(said, "code"), call=call, now=now, wait=wait)
    except WrongState:
        raise Refused("reused") from None
    return row


@sensitive_variables()
def redeem_in_turn(row: Authorization, code: str, *, call: Call, now: datetime, wait: float) -> None:
    """Exchange the code while a slot is held; where none is free, keep it sealed. Raises WrongState."""
    try:
        with provider_slot(row.tenant_id, within=wait):
            row.receive()
            redeem(row, code, call=call, now=now)
    except BudgetExhausted:
        row.keep_code(code)


@sensitive_variables()
def redeem_kept(row: Authorization, *, call: Call, now: datetime, wait: float) -> None:
    """Go on with an attempt whose code waits for a slot; nothing where there is none."""
    code = kept_code(row)
    if row.state != "begun" or not code:
        return
    try:
        if row.late(now=now):
            row.fail("late")
        else:
            redeem_in_turn(row, code, call=call, now=now, wait=wait)
    except WrongState:  # the same page in another tab
        row.refresh_from_db()


@sensitive_variables()
def kept_code(row: Authorization) -> str:
    """The code of an attempt that waits for a slot; empty where it does not."""
    try:
        return str(row.open().get("code", ""))
    except CannotOpen:
        return ""


def recognised(said: Said, *, connector: OAuth, who: Who, now: datetime) -> Authorization:
    """The attempt that this is the end of. Raises Refused; a stranger uses nothing up by trying."""
    state = one(said, "state")
    if not state or len(state) > STATE_MOST:
        raise Refused("begun_at_marketplace" if is_marketplace_install(said, connector) else "state_missing")
    rows = Authorization.unscoped.select_related("tenant", "connection", "user")
    row = rows.filter(digest=digest_of(state)).first()
    if row is None:
        raise Refused("state_unknown")
    if not who.in_the_browser_of(row):
        raise Refused("other_browser")
    if not who.began(row):
        raise Refused("other_user")
    if row.state == "begun" and row.connector_key != connector.key:
        row.fail("other_connector")
        raise Refused("other_connector")
    if row.state == "begun" and row.late(now=now):
        row.fail("late")
    if row.state != "begun":
        raise Refused("late" if row.reason in ("late", "unfinished") else "reused")
    return row


def is_marketplace_install(said: Said, connector: OAuth) -> bool:
    """Whether a person comes from the system's own catalogue of apps: with a code, and no state of anybody's."""
    return connector.installs_from_marketplace and "state" not in said and bool(one(said, "code"))


def wrong_with(row: Authorization, said: Said, *, redirect_uri: str) -> tuple[str, str]:
    """Why what they bring is no code, in our word and in the system's; both empty where it is one."""
    code, error, issuer = one(said, "code"), one(said, "error"), one(said, "iss")
    if row.redirect_uri != redirect_uri:
        return "moved", ""
    if "iss" in said and not row.connector.issued_by(issuer, ours(row, app_of(row.connector_key))):
        return "other_issuer", issuer[:SAYS_MOST]
    if error:
        description = one(said, "error_description")
        return row.connector.turned_away(error), presentable(f"{error} {description}".strip(), SAYS_MOST)
    return ("", "") if 0 < len(code) <= CODE_MOST else ("strange_answer", "it sent no code")


def one(said: Said, name: str) -> str:
    """A parameter that came exactly once; twice is as good as never."""
    values = said.get(name, ())
    return values[0] if len(values) == 1 else ""


@sensitive_variables()
def redeem(row: Authorization, code: str, *, call: Call, now: datetime) -> None:
    """The code becomes tokens; whose they are is found out, and nothing is connected yet."""
    if sends_strange_codes(row, now=now):
        row.fail("throttled", "too many codes of this tenant were refused; go on in ten minutes")
        return
    app = app_of(row.connector_key)
    answer = asked(row, app, code, call=call, now=now)
    if isinstance(answer, Outcome):
        row.fail(problem_of(row.connector, answer), answer.detail or answer.reason)
        return
    environment = answer.environment or row.environment
    settings = {**answer.settings, **({"environment": environment} if environment else {})}
    if row.connector.login_host:  # empty as well: it replaces the one at which the account signed in before
        settings["login_host"] = row.login_host
    document = {"secret": dict(answer.secret), "settings": settings, "expires_in": answer.expires_in}
    if row.environment not in ("", environment):
        turn_down(row, document, "other_environment", now=now)
        return
    finding = Finding(answer.account) if answer.account else identified(row, document, call=call, now=now)
    if account := finding.account:
        row.grant(
            {**document, "at": now.isoformat()},
            until=now + CONFIRM_WITHIN,
            account=account.id,
            account_name=account.name,
            environment=environment,
            permissions=None if answer.permissions is None else list(answer.permissions),
        )
        return
    turn_down(row, document, problem_of_token(row.connector, finding), finding.detail, now=now)


def sends_strange_codes(row: Authorization, *, now: datetime) -> bool:
    """Whether so many codes of this tenant were refused that another would only spend what all tenants share."""
    refused = Authorization.objects.of(row.tenant).filter(connector_key=row.connector_key, reason__in=OF_THE_CODE)
    return refused.filter(created_at__gt=now - LIFE).count() >= REFUSED_CODES_MOST


@transaction.atomic
@sensitive_variables()
def turn_down(
    row: Authorization, document: Mapping[str, Any], problem: str, detail: str = "", *, now: datetime
) -> None:
    """What was granted is given back."""
    give_back(row.tenant, row.connector_key, document["secret"], settings=document["settings"], account="", now=now)
    row.fail(problem, detail)


@sensitive_variables()
def asked(row: Authorization, app: ConnectorApp | None, code: str, *, call: Call, now: datetime) -> Grant | Outcome:
    connection, connector = drafted(row, {}), row.connector
    credential, client = ours(row, app), app.open() if app else {}
    try:
        verifier = row.open().get("verifier", "")
        if connector.pkce and not verifier:
            return never("request_refused", "what proves that we began this attempt is gone")
        said = {"code": code, "redirect_uri": row.redirect_uri, "verifier": verifier}
        request = connector.exchange(client, credential, **said)
        with spending(connection, request, now=now) as turn:
            response = call(request)
            answer = never("unreadable") if response.cut else connector.exchanged(response, client, credential)
            turn.heard(answer)
    except NotFree as spent:
        return later("throttled", str(spent))
    except Unsent as error:
        return later(error.reason, str(error))
    except EgressError as error:
        return unknown(error.reason, str(error))
    except (Unreadable, KeyError, TypeError, ValueError) as error:
        return never("unreadable", str(error))
    if not isinstance(answer, Outcome):
        return answer
    if clocks_are_apart(response):
        return never("clock_off", f"its clock says {response.headers['date']}")
    return redacted(answer, [code, *texts([client, row.open()])])


def identified(row: Authorization, document: Mapping[str, Any], *, call: Call, now: datetime) -> Finding:
    """Whose tokens they are, where the answer did not say; otherwise what is wrong with them."""
    return probe(drafted(row, document["settings"]), document["secret"], call=call, now=now)


def problem_of_token(connector: OAuth, finding: Finding) -> str:
    """Why the first call with a token that was just given was refused, as far as a word for it is known."""
    problem = problem_of(connector, finding)
    return "token_refused" if problem == "refused" else problem


def problem_of(connector: OAuth, outcome: Outcome | Finding) -> str:
    if outcome.reason in KNOWN or outcome.reason == "clock_off":
        return outcome.reason
    if outcome.reason == "unreadable":
        return "strange_answer"
    if outcome.reason == "tls_failed":
        return "certificate"
    problem = connector.problem(outcome.reason)
    return "unavailable" if problem == "refused" and outcome.kind in ("later", "unknown") else problem


def clocks_are_apart(response: Response) -> bool:
    """By the moment that the answer itself states. Never raises."""
    try:
        stated = parsedate_to_datetime(response.headers.get("date", ""))
        return abs(stated - response.at) > CLOCKS_APART
    except (ValueError, TypeError, OverflowError, IndexError):
        return False


def drafted(row: Authorization, settings: Mapping[str, Any]) -> Connection:
    login = {"environment": row.environment, "login_host": row.login_host}
    connection = draft(row.tenant, row.connector_key, row.name, login | dict(settings))
    connection.account = row.account
    return connection


def ours(row: Authorization, app: ConnectorApp | None) -> Credential:
    """Our side only: no account has let us in yet."""
    return opened(drafted(row, {}), app, {})
