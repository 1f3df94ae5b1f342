"""Exchange an authorization code for tokens, and identify the account that granted them."""

from collections.abc import Mapping
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
from connectors.outcomes import Outcome, never, unknown
from hub.connections.connecting.oauth.begin import ATTEMPT_LIFETIME
from hub.connections.connecting.oauth.session import (
    UNREADABLE_HERE,
    build_client_credential,
    draft_authorized_connection,
    get_oauth_connector,
)
from hub.connections.credentials.account_probe import ProbeResult, probe_credential
from hub.connections.credentials.connector_context import find_connector_app, iterate_texts
from hub.connections.credentials.provider_call import Call, call_provider
from hub.connections.credentials.revocation_schedule import schedule_revocation
from hub.connections.models import USER_ID, Authorization, ConnectorApp
from hub.crypto.sealed import CannotOpen
from hub.db.state_machine import InvalidTransition

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


@sensitive_variables()
def redeem_code(authorization: Authorization, code: str, *, call: Call, now: datetime) -> None:
    """Exchange the code for tokens and identify their account; nothing is connected yet.

    Raises InvalidTransition if the attempt was ended meanwhile; its tokens are revoked then.
    """
    if _has_too_many_refused_codes(authorization, now=now):
        detail = "too many codes of this tenant were rejected; continue in ten minutes"
        authorization.fail("throttled", detail)
        return
    app = find_connector_app(authorization.connector_key)
    try:
        answer = _exchange_code(authorization, app, code, call=call, now=now)
    except CannotOpen as error:
        authorization.fail(UNREADABLE_HERE, str(error))
        return
    if isinstance(answer, Outcome):
        problem = _find_outcome_problem(get_oauth_connector(authorization), answer)
        authorization.fail(problem, answer.detail or answer.reason)
        return
    _store_grant(authorization, answer, call=call, now=now)


@sensitive_variables()
def _store_grant(authorization: Authorization, grant: Grant, *, call: Call, now: datetime) -> None:
    """Store the tokens with their account, or reject them if they cannot be used."""
    environment = grant.environment or authorization.environment
    document = _build_grant_document(authorization, grant, environment)
    if authorization.environment not in ("", environment):
        _reject_grant(authorization, document, "other_environment", now=now)
        return
    probe_result = (
        ProbeResult(grant.account)
        if grant.account
        else _identify_account(authorization, document, call=call, now=now)
    )
    account = probe_result.account
    if account is None:
        problem = find_token_problem(get_oauth_connector(authorization), probe_result)
        _reject_grant(authorization, document, problem, probe_result.detail, now=now)
        return
    settings = document["settings"] | ({USER_ID: account.user} if account.user else {})
    try:
        authorization.grant(
            {**document, "settings": settings, "at": now.isoformat()},
            until=now + CONFIRM_WITHIN,
            account=account.id,
            account_name=account.name,
            environment=environment,
            permissions=None if grant.permissions is None else list(grant.permissions),
        )
    except InvalidTransition:  # ended meanwhile, such as by the sweep
        _revoke_tokens(authorization, document, account=account.id, now=now)
        raise


def _build_grant_document(
    authorization: Authorization, grant: Grant, environment: str
) -> dict[str, Any]:
    """Build the document to seal: secrets, settings, and the lifetime in seconds."""
    settings = {**grant.settings, **({"environment": environment} if environment else {})}
    if authorization.connector.login_host:  # even an empty one replaces the earlier login host
        settings["login_host"] = authorization.login_host
    return {"secret": dict(grant.secret), "settings": settings, "expires_in": grant.expires_in}


def _has_too_many_refused_codes(authorization: Authorization, *, now: datetime) -> bool:
    """Return whether the system refused too many codes of this tenant for another attempt.

    Refused codes spend a quota that all tenants share.
    """
    refused = Authorization.objects.of(authorization.tenant).filter(
        connector_key=authorization.connector_key, reason__in=CODE_REFUSALS
    )
    return refused.filter(created_at__gt=now - ATTEMPT_LIFETIME).count() >= REFUSED_CODES_MAX


@sensitive_variables()
def _reject_grant(
    authorization: Authorization,
    document: Mapping[str, Any],
    problem: str,
    detail: str = "",
    *,
    now: datetime,
) -> None:
    """Schedule the revocation of the tokens, then fail the authorization.

    Raises InvalidTransition if it was ended meanwhile; the revocation stays scheduled.
    """
    _revoke_tokens(authorization, document, account="", now=now)
    authorization.fail(problem, detail)


@transaction.atomic
@sensitive_variables()
def _revoke_tokens(
    authorization: Authorization, document: Mapping[str, Any], *, account: str, now: datetime
) -> None:
    """Schedule the revocation of tokens that are not stored."""
    schedule_revocation(
        authorization.tenant,
        authorization.connector_key,
        document["secret"],
        settings=document["settings"],
        account=account,
        now=now,
    )


@sensitive_variables()
def _exchange_code(
    authorization: Authorization, app: ConnectorApp | None, code: str, *, call: Call, now: datetime
) -> Grant | Outcome:
    """Send the code to the system.

    Raises CannotOpen if the PKCE verifier or our client secret does not open; nothing was sent.
    """
    connector, document = get_oauth_connector(authorization), authorization.open()
    credential, client = build_client_credential(authorization, app), app.open() if app else {}
    verifier = document.get("verifier", "")
    if connector.uses_pkce and not verifier:
        return never("request_refused", "the proof that the hub started this attempt is missing")

    def parse_grant(response: Response) -> Grant | Outcome:
        if response.is_truncated:
            return never("unreadable")
        answer = connector.parse_token_response(response, client, credential)
        if isinstance(answer, Outcome) and _has_clock_skew(response):
            detail = f"its clock reports {response.headers['date']}"
            return replace(answer, kind="never", reason="clock_off", detail=detail)
        return answer

    return call_provider(
        draft_authorized_connection(authorization, {}),
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
        build_unanswered=unknown,
    )


def _identify_account(
    authorization: Authorization, document: Mapping[str, Any], *, call: Call, now: datetime
) -> ProbeResult:
    """Ask the system for the account of the tokens, which the response did not name."""
    return probe_credential(
        draft_authorized_connection(authorization, document["settings"]),
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
    problem = connector.find_problem(outcome.reason)
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
