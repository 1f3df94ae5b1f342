"""The OAuth callback: match it to its authorization, and redeem its code."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.views.decorators.debug import sensitive_variables

from connectors.oauth import OAuth
from connectors.outcomes import clean_text
from hub.connections.connecting.oauth.code_exchange import redeem_code
from hub.connections.connecting.oauth.session import (
    UNREADABLE_HERE,
    AuthorizationRefused,
    BrowserIdentity,
    build_client_credential,
    digest_browser_value,
    get_oauth_connector,
)
from hub.connections.credentials.connector_context import find_connector_app
from hub.connections.credentials.provider_call import Call, provider_slot
from hub.connections.models import Authorization
from hub.crypto.sealed import CannotOpen
from hub.db.state_machine import InvalidTransition
from hub.shared_budget import BudgetExhausted

CallbackParameters = Mapping[str, Sequence[str]]

STATE_LENGTH_MAX, CODE_LENGTH_MAX, DETAIL_LENGTH_MAX = 200, 4096, 300  # characters


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
        with provider_slot(authorization.tenant_id, timeout=wait):
            authorization.receive()
            redeem_code(authorization, code, call=call, now=now)
    except BudgetExhausted:
        _store_code(authorization, code)


@sensitive_variables()
def _store_code(authorization: Authorization, code: str) -> None:
    """Store the code, sealed, until a slot is free.

    The authorization fails if the values sealed before cannot be opened.
    """
    try:
        authorization.store_code(code)
    except CannotOpen as error:
        authorization.fail(UNREADABLE_HERE, str(error))


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
    if not state or len(state) > STATE_LENGTH_MAX:
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
    """Return whether the callback comes from the app catalogue: it has a code, but no state."""
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
    if "iss" in parameters and not get_oauth_connector(authorization).is_issued_by(
        issuer,
        build_client_credential(authorization, find_connector_app(authorization.connector_key)),
    ):
        return "other_issuer", issuer[:DETAIL_LENGTH_MAX]
    if error:
        description = _read_single_parameter(parameters, "error_description")
        return get_oauth_connector(authorization).find_consent_problem(error), clean_text(
            f"{error} {description}".strip(), DETAIL_LENGTH_MAX
        )
    return (
        ("", "")
        if 0 < len(code) <= CODE_LENGTH_MAX
        else ("strange_answer", "the response contains no code")
    )


def _read_single_parameter(parameters: CallbackParameters, name: str) -> str:
    """Return a parameter that was sent exactly once, otherwise an empty string."""
    values = parameters.get(name, ())
    return values[0] if len(values) == 1 else ""
