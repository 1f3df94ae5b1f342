"""Confirm the authorized account: test and store it, and release deliveries that wait for it."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NoReturn

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from connectors.http import Request, Response
from hub.audit import ActorContext
from hub.connections.connecting import connect_links
from hub.connections.connecting.connect import (
    AlreadyConnected,
    TenantSuspended,
    connect_account,
    draft_connection,
    lock_active_tenant,
)
from hub.connections.connecting.login_hosts import login_host_of
from hub.connections.connecting.oauth.code_exchange import find_token_problem
from hub.connections.connecting.oauth.confirmation_plan import (
    ConfirmationPlan,
    plan_confirmation,
)
from hub.connections.connecting.oauth.session import (
    UNREADABLE_HERE,
    AuthorizationRefused,
    draft_authorized_connection,
    get_oauth_connector,
)
from hub.connections.connecting.reconnect import ConnectionChanged, reconnect_account
from hub.connections.credentials.abandoned_authorizations import abandon_authorization
from hub.connections.credentials.account_probe import PROBES_BUSY, ProbeResult, probe_credential
from hub.connections.credentials.revocation_schedule import (
    open_stored_secret,
    revoke_superseded_grant,
    schedule_connection_revocation,
)
from hub.connections.models import Authorization, Connection
from hub.connections.token_lifetimes import Random
from hub.crypto.sealed import CannotOpen
from hub.db.state_machine import InvalidTransition
from tenants.access.tenant_users import TenantUser
from tenants.models import User

AUDIT_VERBS = {
    "new": "connection.connect",
    "replace": "connection.replace",
    "revive": "connection.revive",
}


@sensitive_variables()
def confirm_authorization(
    authorization: Authorization,
    tenant_user: TenantUser,
    actor: ActorContext,
    *,
    replace: bool = False,
    call: Callable[[Request], Response],
    random: Random,
    now: datetime,
) -> Connection:
    """Test and store the granted account, and return its connection.

    Raises AuthorizationRefused if it cannot be confirmed, and InvalidTransition if another request
    has confirmed it.
    """
    _refuse_expired_authorization(authorization, now=now)
    plan = plan_confirmation(authorization, tenant_user)
    if authorization.state != "granted":
        raise InvalidTransition(authorization, "confirmed")
    if not plan.can_confirm or (plan.kind == "replace" and not replace):
        raise AuthorizationRefused(plan.problem)
    grant_document = _open_grant(authorization, now=now)
    probe_result = _probe_granted_account(authorization, grant_document, call=call, now=now)
    try:
        return _store_confirmed_account(
            authorization, plan, grant_document, probe_result, actor, random=random, now=now
        )
    except TenantSuspended:
        authorization.refresh_from_db()
        abandon_authorization(authorization, "tenant_suspended", now=now)
        raise AuthorizationRefused("tenant_suspended") from None
    except ConnectionChanged:  # the authorization stays granted: the person can decide again
        raise AuthorizationRefused("changed_meanwhile") from None


@sensitive_variables()
def _open_grant(authorization: Authorization, *, now: datetime) -> dict[str, Any]:
    """Return the granted document.

    Raises AuthorizationRefused if it does not open; the authorization has failed then.
    """
    try:
        return authorization.open()
    except CannotOpen as error:
        abandon_authorization(authorization, UNREADABLE_HERE, str(error), now=now)
        raise AuthorizationRefused(UNREADABLE_HERE, str(error)) from None


@transaction.atomic
@sensitive_variables()
def _store_confirmed_account(
    authorization: Authorization,
    plan: ConfirmationPlan,
    grant_document: Mapping[str, Any],
    probe_result: ProbeResult,
    actor: ActorContext,
    *,
    random: Random,
    now: datetime,
) -> Connection:
    """Store the connection, mark the connect link used, and audit it.

    Raises TenantSuspended, or AuthorizationRefused if the link has ended.
    """
    existing = plan.connection
    before = {"account": existing.account, "state": existing.state} if existing else None
    authorization.confirm()  # first, so that of two at once only one stores anything
    connection = _store_authorized_connection(
        authorization,
        plan,
        grant_document,
        probe_result,
        connected_by=actor.user,
        random=random,
        now=now,
    )
    authorization.set_connection(connection)
    _use_up_link(authorization, connection, now=now)
    actor.audit(
        AUDIT_VERBS.get(plan.kind, "connection.reconnect"),
        connection,
        before=before,
        after=_build_audit_details(authorization, connection),
        now=now,
    )
    return connection


def _build_audit_details(authorization: Authorization, connection: Connection) -> dict[str, Any]:
    login_host = login_host_of(connection)
    facts = {
        "name": connection.name,
        "account": authorization.account,
        "permissions": authorization.permissions,
    }
    return {**facts, "login_host": login_host} if login_host else facts


def _refuse_expired_authorization(authorization: Authorization, *, now: datetime) -> None:
    """Revoke the granted tokens if the authorization can no longer be confirmed.

    Raises AuthorizationRefused if it or its link has expired, or the tenant is suspended.
    """
    if authorization.state != "granted":
        return
    end_conditions = {
        "late": authorization.is_late(now=now),
        "link_ended": bool(authorization.link and not authorization.link.is_open(now)),
        "tenant_suspended": authorization.tenant.suspended,
    }
    if problem := next((name for name, is_met in end_conditions.items() if is_met), ""):
        abandon_authorization(authorization, problem, now=now)
        raise AuthorizationRefused(problem)


def _use_up_link(authorization: Authorization, connection: Connection, *, now: datetime) -> None:
    """Mark the link used, in the caller's transaction.

    Raises AuthorizationRefused if the link has ended.
    """
    try:
        if authorization.link:
            connect_links.use_up_connect_link(authorization.link, connection, now=now)
    except connect_links.ConnectLinkEnded:
        raise AuthorizationRefused("link_ended") from None


@sensitive_variables()
def _probe_granted_account(
    authorization: Authorization,
    grant_document: Mapping[str, Any],
    *,
    call: Callable[[Request], Response],
    now: datetime,
) -> ProbeResult:
    """Test that the token is valid and of the account that the person was shown.

    Raises AuthorizationRefused if it is not. During an outage the authorization stays granted, so
    that the person can try again.
    """
    connection = draft_authorized_connection(authorization, grant_document["settings"])
    probe_result = probe_credential(connection, grant_document["secret"], call=call, now=now)
    if probe_result.account is None or probe_result.account.id != authorization.account:
        _refuse_failed_probe(authorization, probe_result, now=now)
    return probe_result


def _refuse_failed_probe(
    authorization: Authorization, probe_result: ProbeResult, *, now: datetime
) -> NoReturn:
    """Raise AuthorizationRefused; end the authorization, unless the problem may be temporary."""
    is_closed = (
        get_oauth_connector(authorization).find_problem(probe_result.reason) == "account_closed"
    )
    if not probe_result.passed and probe_result.kind in ("later", "unknown") and not is_closed:
        passing = (
            probe_result.reason
            if probe_result.reason in ("throttled", PROBES_BUSY)
            else "unavailable"
        )
        raise AuthorizationRefused(
            passing, "" if passing == PROBES_BUSY else probe_result.detail, probe_result
        )
    problem = (
        "strange_answer"
        if probe_result.passed
        else find_token_problem(get_oauth_connector(authorization), probe_result)
    )
    abandon_authorization(authorization, problem, probe_result.detail, now=now)
    raise AuthorizationRefused(
        problem, probe_result.detail, None if probe_result.passed else probe_result
    )


@sensitive_variables()
def _store_authorized_connection(
    authorization: Authorization,
    plan: ConfirmationPlan,
    grant_document: Mapping[str, Any],
    probe_result: ProbeResult,
    *,
    connected_by: User | None,
    random: Random,
    now: datetime,
) -> Connection:
    """Store the grant as a new connection or in an existing one, in the caller's transaction."""
    granted_at, lifetime = (
        datetime.fromisoformat(grant_document["at"]),
        grant_document["expires_in"],
    )
    expires_at = None if lifetime is None else granted_at + timedelta(seconds=lifetime)
    if plan.connection:
        connection = plan.connection
        connection.connected_by = connected_by or connection.connected_by
        connection.permissions = authorization.permissions
        _update_authorized_connection(
            connection,
            grant_document,
            probe_result,
            replaces=plan.kind == "replace",
            expires_at=expires_at,
            random=random,
            now=now,
        )
        return connection
    draft = draft_connection(
        authorization.tenant,
        authorization.connector_key,
        authorization.name,
        grant_document["settings"],
    )
    draft.permissions = authorization.permissions
    try:
        return connect_account(
            draft,
            grant_document["secret"],
            probe_result,
            connected_by=connected_by,
            expires_at=expires_at,
            random=random,
            now=now,
        )
    except AlreadyConnected:
        raise AuthorizationRefused("taken") from None


@sensitive_variables()
def _update_authorized_connection(
    connection: Connection,
    grant_document: Mapping[str, Any],
    probe_result: ProbeResult,
    *,
    replaces: bool,
    expires_at: datetime | None,
    random: Random,
    now: datetime,
) -> None:
    """Store the grant in the connection, and revoke the replaced or superseded grant."""
    lock_active_tenant(connection)  # before its credential, as every transaction that locks both
    old_settings, old_secret = connection.settings, open_stored_secret(connection)
    if replaces:
        schedule_connection_revocation(connection, now=now)
    reconnect_account(
        connection,
        grant_document["settings"],
        grant_document["secret"],
        probe_result,
        expires_at=expires_at,
        replaces=replaces,
        random=random,
        now=now,
    )
    if not replaces:
        revoke_superseded_grant(
            connection, old_secret, grant_document["secret"], settings=old_settings, now=now
        )
