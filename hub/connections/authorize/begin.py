"""Send a person to the system that they want to connect."""

import base64
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse

from connectors.oauth import OAuth
from connectors.registry import CONNECTORS
from hub.connections.authorize.needs import needed_permissions
from hub.connections.authorize.who import Refused, Who, digest_of
from hub.connections.connect import draft
from hub.connections.login_hosts import login_host_of, offered_login_host
from hub.connections.models import Authorization, Connection, ConnectLink, ConnectorApp
from hub.connections.probe import app_of
from hub.connections.unseal import opened
from hub.secrets import seal
from tenants.models import Tenant

LIFE = timedelta(minutes=10)
STATE_BYTES, VERIFIER_BYTES = 32, 48


def redirect_uri_of(connector: OAuth) -> str:
    """One for each connector, from the settings and never from what a request says of its host."""
    return settings.HUB_PUBLIC_URL + reverse("connections:callback", args=[connector.key])


def begin(
    tenant: Tenant,
    connector: OAuth,
    who: Who,
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
    """The attempt, and the address of consent; `state` is in that address only. Raises Refused, LoginHostRefused.

    `login_host`: what a person named; None: nobody was asked for one.
    """
    app = app_for(tenant, connector)
    environment, login_host = chosen_login_of(app, connection, environment, login_host)
    state, verifier = text_of(random(STATE_BYTES)), text_of(random(VERIFIER_BYTES))
    row = Authorization(
        tenant=tenant,
        connector_key=connector.key,
        connection=connection,
        name=name or (connection.name if connection else connector.label),
        user=who.user,
        guest=who.guest,
        link=link,
        environment=environment,
        login_host=login_host,
        digest=digest_of(state),
        browser=digest_of(who.browser),
        redirect_uri=redirect_uri,
        return_to=return_to,
        created_at=now,
        expires_at=now + LIFE,
    )
    row.sealed = seal({"verifier": verifier} if connector.pkce else {}, row.binding)
    row.save(force_insert=True)
    mine = draft(tenant, connector.key, row.name, {"environment": environment, "login_host": login_host})
    mine.account = connection.account if connection else ""
    ours = opened(mine, app, {})
    said = {"state": state, "redirect_uri": redirect_uri, "verifier": verifier}
    wanted = {*optional, *(connection and connection.permissions or ())}
    wanted |= needed_permissions(tenant, connector, connection)
    return row, connector.authorize(app.open(), ours, optional=wanted, **said)


def app_for(tenant: Tenant, connector: OAuth) -> ConnectorApp:
    """Our registration at the system, where the tenant may connect and it is set up."""
    app = app_of(connector.key)
    if tenant.suspended:
        raise Refused("tenant_suspended")
    if app is None or not app.set_up:
        raise Refused("not_set_up")
    return app


def chosen_login_of(
    app: ConnectorApp, connection: Connection | None, environment: str, login_host: str | None
) -> tuple[str, str]:
    """Return environment and login host, as a person chose; where they did not, as the connection has them."""
    if connection and not environment and login_host is None:
        environment, login_host = connection.settings.get("environment", ""), login_host_of(connection) or None
    if login_host is None:
        return meant(app, environment), ""
    host, found = offered_login_host(app, login_host, environment)
    return found, host


def meant(app: ConnectorApp, environment: str) -> str:
    """Of the environments that people may be sent to; the first where nobody chose."""
    offered = [entry.key for entry in app.environments]
    if not CONNECTORS[app.connector_key].environments:
        return ""
    if not offered or (environment and environment not in offered):
        raise Refused("environment_refused")
    return environment or offered[0]


def text_of(noise: bytes) -> str:
    return base64.urlsafe_b64encode(noise).decode().rstrip("=")
