"""Uninstall calls: a system reports that an account removed our app."""

from datetime import datetime

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from connectors.oauth import OAuth
from hub.audit import ActorContext
from hub.connections.credentials.connector_context import find_connector_app
from hub.connections.models import DISCONNECTED, Connection, CredentialEvent
from hub.queue import wake_up


@sensitive_variables()
def handle_uninstall(connector: OAuth, authorization: str, body: bytes, *, now: datetime) -> bool:
    """Check the connections of the account; return whether the call is authentic.

    Only a refused refresh ends an authorization: another user's may still be valid. Raises
    Unreadable if the body is not as documented, and CannotOpen if our app's secrets do not open.
    """
    app = find_connector_app(connector.key)
    if app is None or not app.is_set_up:
        return False
    account = connector.parse_uninstalled_account(authorization, body, app.open())
    if not account:
        return False
    same = Connection.unscoped.filter(connector_key=connector.key, account=account)
    for connection in same.exclude(state="disabled", reason=DISCONNECTED).select_related(
        "credential", "tenant"
    ):
        _request_connection_refresh(connection, now=now)
    return True


@transaction.atomic
def _request_connection_refresh(connection: Connection, *, now: datetime) -> None:
    credential = connection.credential
    CredentialEvent.record_event(connection, "uninstalled", version=credential.version, now=now)
    credential.request_refresh(now=now)
    ActorContext.system().audit(
        "connection.uninstall",
        connection,
        tenant=connection.tenant,
        after={"account": connection.account},
        now=now,
    )
    wake_up(f"refresh:{connection.pk}", now=now)
