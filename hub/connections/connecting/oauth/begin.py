"""Begin an authorization: send a person to the system that they want to connect."""

import base64
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse

from connectors.oauth import OAuth
from connectors.registry import CONNECTORS
from hub.connections.connecting.connect import draft_connection
from hub.connections.connecting.login_hosts import login_host_of, read_offered_login_host
from hub.connections.connecting.oauth.needed_permissions import (
    find_incoming_permissions,
    find_needed_permissions,
)
from hub.connections.connecting.oauth.session import (
    UNREADABLE_HERE,
    AuthorizationRefused,
    BrowserIdentity,
    digest_browser_value,
)
from hub.connections.credentials.connector_context import build_credential, find_connector_app
from hub.connections.models import Authorization, Connection, ConnectLink, ConnectorApp
from hub.crypto.sealed import CannotOpen, seal
from tenants.models import Tenant

ATTEMPT_LIFETIME = timedelta(minutes=10)
STATE_BYTES, VERIFIER_BYTES = 32, 48


def build_redirect_uri(connector: OAuth) -> str:
    """Build the redirect URI from the settings; a request's Host header is not trusted."""
    return f"{settings.HUB_PUBLIC_URL}{reverse('connections:callback', args=[connector.key])}"


def begin_authorization(
    tenant: Tenant,
    connector: OAuth,
    identity: BrowserIdentity,
    *,
    redirect_uri: str,
    return_to: str,
    name: str = "",
    connection: Connection | None = None,
    link: ConnectLink | None = None,
    environment: str = "",
    login_host: str | None = None,
    optional: Iterable[str] = (),
    random: Callable[[int], bytes],
    now: datetime,
) -> tuple[Authorization, str]:
    """Store an authorization; return it with its consent URL, which alone contains `state`.

    `login_host` None: the person was not asked for one. Raises AuthorizationRefused if connecting
    is impossible, and LoginHostRefused for an invalid login host.
    """
    app = _require_connector_app(tenant, connector)
    environment, login_host = determine_login(app, connection, environment, login_host)
    state, verifier = _encode_random(random(STATE_BYTES)), _encode_random(random(VERIFIER_BYTES))
    authorization = Authorization(
        tenant=tenant,
        connector_key=connector.key,
        connection=connection,
        name=name or (connection.name if connection else connector.label),
        link=link,
        environment=environment,
        login_host=login_host,
        redirect_uri=redirect_uri,
        return_to=return_to,
        **_build_origin_columns(identity, state, now=now),
    )
    _insert_authorization(authorization, {"verifier": verifier} if connector.uses_pkce else {})
    url = _build_consent_url(authorization, connector, app, state, verifier, optional)
    return authorization, url


def _insert_authorization(authorization: Authorization, document: Mapping[str, str]) -> None:
    """Insert the authorization with the document that its code exchange needs, sealed."""
    authorization.sealed = seal(document, authorization.binding)
    authorization.save(force_insert=True)


def _build_origin_columns(
    identity: BrowserIdentity, state: str, *, now: datetime
) -> dict[str, Any]:
    """Build the columns of user, browser and time; `state` is stored as a digest."""
    return {
        "user": identity.user,
        "guest": identity.guest,
        "browser": digest_browser_value(identity.browser),
        "digest": digest_browser_value(state),
        "created_at": now,
        "expires_at": now + ATTEMPT_LIFETIME,
    }


def _build_consent_url(
    authorization: Authorization,
    connector: OAuth,
    app: ConnectorApp,
    state: str,
    verifier: str,
    optional: Iterable[str],
) -> str:
    """Build the consent URL, including permissions that routes need."""
    connection = authorization.connection
    login = {"environment": authorization.environment, "login_host": authorization.login_host}
    draft = draft_connection(authorization.tenant, connector.key, authorization.name, login)
    draft.account = connection.account if connection else ""
    permissions = {*optional, *(connection and connection.permissions or ())}
    permissions |= find_needed_permissions(authorization.tenant, connector, connection)
    permissions |= find_incoming_permissions(authorization.tenant, connector, connection)
    return connector.build_authorize_url(
        app.open(),
        build_credential(draft, app, {}),
        optional=permissions,
        state=state,
        redirect_uri=authorization.redirect_uri,
        verifier=verifier,
    )


def _require_connector_app(tenant: Tenant, connector: OAuth) -> ConnectorApp:
    """Return our app at the system.

    Raises AuthorizationRefused if the tenant is suspended, or the app is not set up or does not
    open.
    """
    app = find_connector_app(connector.key)
    if tenant.suspended:
        raise AuthorizationRefused("tenant_suspended")
    if app is None:
        raise AuthorizationRefused("not_set_up")
    try:
        app.open()
    except CannotOpen as error:
        raise AuthorizationRefused(UNREADABLE_HERE, str(error)) from None
    if not app.is_set_up:
        raise AuthorizationRefused("not_set_up")
    return app


def determine_login(
    app: ConnectorApp, connection: Connection | None, environment: str, login_host: str | None
) -> tuple[str, str]:
    """Return the chosen environment and login host; by default those of the connection."""
    if connection and not environment and login_host is None:
        environment, login_host = (
            connection.settings.get("environment", ""),
            login_host_of(connection) or None,
        )
    if login_host is None:
        return _choose_environment(app, environment), ""
    host, host_environment = read_offered_login_host(app, login_host, environment)
    return host_environment, host


def _choose_environment(app: ConnectorApp, environment: str) -> str:
    """Return the chosen environment; by default the first.

    Raises AuthorizationRefused if people may not be sent to it.
    """
    offered = [entry.key for entry in app.environments]
    if not CONNECTORS[app.connector_key].environments:
        return ""
    if not offered or (environment and environment not in offered):
        raise AuthorizationRefused("environment_refused")
    return environment or offered[0]


def _encode_random(random_bytes: bytes) -> str:
    return base64.urlsafe_b64encode(random_bytes).decode().rstrip("=")
