"""The OAuth callback: match it to its authorization, and exchange the code for tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from connectors.base import Grant
from connectors.http import Response
from connectors.oauth import OAuth
from connectors.outcomes import Outcome, clean_text, never, unknown
from connectors.schema import Credential
from hub.connections.connecting.connect import draft_connection
from hub.connections.connecting.oauth.begin import ATTEMPT_LIFETIME
from hub.connections.connecting.oauth.session import (
    AuthorizationRefused,
    BrowserIdentity,
    digest_browser_value,
    get_oauth_connector,
)
from hub.connections.credentials.connector_context import (
    build_credential,
    find_connector_app,
    iterate_texts,
)
from hub.connections.credentials.probe import ProbeResult, probe_credential
from hub.connections.credentials.provider_call import Call, call_provider, provider_slot
from hub.connections.credentials.revocation_schedule import schedule_revocation
from hub.connections.models import Authorization, Connection, ConnectorApp
from hub.crypto.sealed import CannotOpen
from hub.db.state_machine import InvalidTransition
from hub.shared_budget import BudgetExhausted

CallbackParameters = Mapping[str, Sequence[str]]

STATE_MAX, CODE_MAX, DETAIL_MAX = 200, 4096, 300  # characters
CONFIRM_WITHIN = timedelta(minutes=10)
# reasons for an invented code, and for a code of another attempt
CODE_REFUSALS = ("code_refused", "request_refused")
REFUSED_CODES_MAX = 20  # of one tenant at one system, within ATTEMPT_LIFETIME
CLOCK_SKEW_MAX = timedelta(minutes=5)
# our reasons, and their problems in hub.connections.connecting.troubleshooting
OWN_PROBLEMS = {
    "host_refused": "host_refused",
    "bad_signature": "bad_signature",
    "no_access_token": "no_access_token",
    "request_refused": "request_refused",
    "throttled": "throttled",
    "clock_off": "clock_off",
    "unreadable": "strange_answer",
    "incomplete": "strange_answer",
    "tls_failed": "certificate",
    "egress_refused": "unavailable",
}


def receive_callback(
    parameters: CallbackParameters,
    *,
    connector: OAuth,
    identity: BrowserIdentity,
    redirect_uri: str,
    call: Call,
    now: datetime,
    wait: float = 0.0,
) -> Authorization:
    """Return the authorization of a callback, now `granted`, or `failed` with the reason.

    If no slot for the code exchange was free within `wait` seconds, it is still `begun`, and
    `redeem_stored_code` continues. The code is used once; no transaction is open during the
    exchange. Raises AuthorizationRefused if the callback matches no authorization of this browser.
    """
    authorization = _find_authorization(parameters, connector=connector, identity=identity, now=now)
    if read_stored_code(authorization) not in ("", _read_single_parameter(parameters, "code")):
        raise AuthorizationRefused("reused")
    problem, detail = _find_callback_problem(authorization, parameters, redirect_uri=redirect_uri)
    try:
        if problem:
            authorization.fail(problem, detail)
        else:
            _redeem_in_slot(
                authorization,
                _read_single_parameter(parameters, "code"),
                call=call,
                now=now,
                wait=wait,
            )
    except InvalidTransition:
        raise AuthorizationRefused("reused") from None
    return authorization


@sensitive_variables()
def _redeem_in_slot(
    authorization: Authorization, code: str, *, call: Call, now: datetime, wait: float
) -> None:
    """Exchange the code for tokens, or store it sealed if no slot is free.

    Raises InvalidTransition if another request has received the callback.
    """
    try:
        with provider_slot(authorization.tenant_id, within=wait):
            authorization.receive()
            _redeem_code(authorization, code, call=call, now=now)
    except BudgetExhausted:
        authorization.store_code(code)


@sensitive_variables()
def redeem_stored_code(
    authorization: Authorization, *, call: Call, now: datetime, wait: float
) -> None:
    """Exchange the authorization code that was stored while no slot was free.

    Does nothing if no code is stored.
    """
    code = read_stored_code(authorization)
    if authorization.state != "begun" or not code:
        return
    try:
        if authorization.is_late(now=now):
            authorization.fail("late")
        else:
            _redeem_in_slot(authorization, code, call=call, now=now, wait=wait)
    except InvalidTransition:  # the same page in another tab
        authorization.refresh_from_db()


@sensitive_variables()
def read_stored_code(authorization: Authorization) -> str:
    """Return the code of an authorization that waits for a slot; empty if none is stored."""
    try:
        return str(authorization.open().get("code", ""))
    except CannotOpen:
        return ""


def _find_authorization(
    parameters: CallbackParameters, *, connector: OAuth, identity: BrowserIdentity, now: datetime
) -> Authorization:
    """Find the authorization of this callback.

    Raises AuthorizationRefused if none of this browser and person matches.
    """
    state = _read_single_parameter(parameters, "state")
    if not state or len(state) > STATE_MAX:
        raise AuthorizationRefused(
            "begun_at_marketplace"
            if is_marketplace_install(parameters, connector)
            else "state_missing"
        )
    authorizations = Authorization.unscoped.select_related("tenant", "connection", "user")
    authorization = authorizations.filter(digest=digest_browser_value(state)).first()
    if authorization is None:
        raise AuthorizationRefused("state_unknown")
    if not identity.is_browser_of(authorization):
        raise AuthorizationRefused("other_browser")
    if not identity.has_begun(authorization):
        raise AuthorizationRefused("other_user")
    if authorization.state == "begun" and authorization.connector_key != connector.key:
        authorization.fail("other_connector")
        raise AuthorizationRefused("other_connector")
    if authorization.state == "begun" and authorization.is_late(now=now):
        authorization.fail("late")
    if authorization.state != "begun":
        raise AuthorizationRefused(
            "late" if authorization.reason in ("late", "unfinished") else "reused"
        )
    return authorization


def is_marketplace_install(parameters: CallbackParameters, connector: OAuth) -> bool:
    """Whether the callback comes from the system's catalogue of apps: a code without a state."""
    return (
        connector.installs_from_marketplace
        and "state" not in parameters
        and bool(_read_single_parameter(parameters, "code"))
    )


def _find_callback_problem(
    authorization: Authorization, parameters: CallbackParameters, *, redirect_uri: str
) -> tuple[str, str]:
    """Return why the callback is unusable: a problem code and the system's text; or ("", "")."""
    code, error, issuer = (
        _read_single_parameter(parameters, "code"),
        _read_single_parameter(parameters, "error"),
        _read_single_parameter(parameters, "iss"),
    )
    if authorization.redirect_uri != redirect_uri:
        return "moved", ""
    if "iss" in parameters and not get_oauth_connector(authorization).issued_by(
        issuer,
        _build_client_credential(authorization, find_connector_app(authorization.connector_key)),
    ):
        return "other_issuer", issuer[:DETAIL_MAX]
    if error:
        description = _read_single_parameter(parameters, "error_description")
        return get_oauth_connector(authorization).consent_problem(error), clean_text(
            f"{error} {description}".strip(), DETAIL_MAX
        )
    return (
        ("", "")
        if 0 < len(code) <= CODE_MAX
        else ("strange_answer", "the response contains no code")
    )


def _read_single_parameter(parameters: CallbackParameters, name: str) -> str:
    """Return a parameter that was sent exactly once, otherwise an empty string."""
    values = parameters.get(name, ())
    return values[0] if len(values) == 1 else ""


@sensitive_variables()
def _redeem_code(authorization: Authorization, code: str, *, call: Call, now: datetime) -> None:
    """Exchange the code for tokens and identify their account; nothing is connected yet."""
    if _has_too_many_refused_codes(authorization, now=now):
        detail = "too many codes of this tenant were rejected; continue in ten minutes"
        authorization.fail("throttled", detail)
        return
    app = find_connector_app(authorization.connector_key)
    answer = _exchange_code(authorization, app, code, call=call, now=now)
    if isinstance(answer, Outcome):
        problem = _find_outcome_problem(get_oauth_connector(authorization), answer)
        authorization.fail(problem, answer.detail or answer.reason)
        return
    environment = answer.environment or authorization.environment
    document = _build_grant_document(authorization, answer, environment)
    if authorization.environment not in ("", environment):
        _reject_grant(authorization, document, "other_environment", now=now)
        return
    probe_result = (
        ProbeResult(answer.account)
        if answer.account
        else _identify_account(authorization, document, call=call, now=now)
    )
    if account := probe_result.account:
        authorization.grant(
            {**document, "at": now.isoformat()},
            until=now + CONFIRM_WITHIN,
            account=account.id,
            account_name=account.name,
            environment=environment,
            permissions=None if answer.permissions is None else list(answer.permissions),
        )
        return
    _reject_grant(
        authorization,
        document,
        find_token_problem(get_oauth_connector(authorization), probe_result),
        probe_result.detail,
        now=now,
    )


def _build_grant_document(
    authorization: Authorization, grant: Grant, environment: str
) -> dict[str, Any]:
    """Build the document to seal: secrets, settings, and the lifetime in seconds."""
    settings = {**grant.settings, **({"environment": environment} if environment else {})}
    if authorization.connector.login_host:  # even an empty one replaces the earlier login host
        settings["login_host"] = authorization.login_host
    return {"secret": dict(grant.secret), "settings": settings, "expires_in": grant.expires_in}


def _has_too_many_refused_codes(authorization: Authorization, *, now: datetime) -> bool:
    """Whether the system refused too many codes of this tenant to try another one.

    Refused codes spend a quota that all tenants share.
    """
    refused = Authorization.objects.of(authorization.tenant).filter(
        connector_key=authorization.connector_key, reason__in=CODE_REFUSALS
    )
    return refused.filter(created_at__gt=now - ATTEMPT_LIFETIME).count() >= REFUSED_CODES_MAX


@transaction.atomic
@sensitive_variables()
def _reject_grant(
    authorization: Authorization,
    document: Mapping[str, Any],
    problem: str,
    detail: str = "",
    *,
    now: datetime,
) -> None:
    """Fail the authorization, and schedule the revocation of its tokens."""
    schedule_revocation(
        authorization.tenant,
        authorization.connector_key,
        document["secret"],
        settings=document["settings"],
        account="",
        now=now,
    )
    authorization.fail(problem, detail)


@sensitive_variables()
def _exchange_code(
    authorization: Authorization, app: ConnectorApp | None, code: str, *, call: Call, now: datetime
) -> Grant | Outcome:
    connector, document = get_oauth_connector(authorization), authorization.open()
    credential, client = _build_client_credential(authorization, app), app.open() if app else {}
    verifier = document.get("verifier", "")
    if connector.pkce and not verifier:
        return never("request_refused", "the proof that the hub started this attempt is missing")

    def parse_grant(response: Response) -> Grant | Outcome:
        if response.cut:
            return never("unreadable")
        answer = connector.parse_token_response(response, client, credential)
        if isinstance(answer, Outcome) and _has_clock_skew(response):
            detail = f"its clock reports {response.headers['date']}"
            return replace(answer, kind="never", reason="clock_off", detail=detail)
        return answer

    return call_provider(
        _draft_authorized_connection(authorization, {}),
        partial(
            connector.exchange_request,
            client,
            credential,
            code=code,
            redirect_uri=authorization.redirect_uri,
            verifier=verifier,
        ),
        parse_grant,
        call=call,
        now=now,
        secrets=[code, *iterate_texts([client, document])],
        unanswered=unknown,
    )


def _identify_account(
    authorization: Authorization, document: Mapping[str, Any], *, call: Call, now: datetime
) -> ProbeResult:
    """Ask the system for the account of the tokens, which the response did not name."""
    return probe_credential(
        _draft_authorized_connection(authorization, document["settings"]),
        document["secret"],
        call=call,
        now=now,
    )


def find_token_problem(connector: OAuth, probe_result: ProbeResult) -> str:
    """Return the problem code of a refused first call with a new token."""
    problem = _find_outcome_problem(connector, probe_result)
    return "token_refused" if problem == "refused" else problem


def _find_outcome_problem(connector: OAuth, outcome: Outcome | ProbeResult) -> str:
    if outcome.reason in OWN_PROBLEMS:
        return OWN_PROBLEMS[outcome.reason]
    problem = connector.problem(outcome.reason)
    return (
        "unavailable" if problem == "refused" and outcome.kind in ("later", "unknown") else problem
    )


def _has_clock_skew(response: Response) -> bool:
    """Whether our clock and the Date header differ by more than CLOCK_SKEW_MAX. Never raises."""
    try:
        stated = parsedate_to_datetime(response.headers.get("date", ""))
        return abs(stated - response.at) > CLOCK_SKEW_MAX
    except (ValueError, TypeError, OverflowError, IndexError):
        return False


def _draft_authorized_connection(
    authorization: Authorization, settings: Mapping[str, Any]
) -> Connection:
    login = {"environment": authorization.environment, "login_host": authorization.login_host}
    connection = draft_connection(
        authorization.tenant,
        authorization.connector_key,
        authorization.name,
        login | dict(settings),
    )
    connection.account = authorization.account
    return connection


def _build_client_credential(authorization: Authorization, app: ConnectorApp | None) -> Credential:
    """Build a credential of our app only, as no account has granted access yet."""
    return build_credential(_draft_authorized_connection(authorization, {}), app, {})
