"""A system says that people of an account removed our app: its connections ask whether their authorization lives."""

from datetime import datetime

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from connectors.oauth import OAuth
from hub import audit
from hub.connections.models import DISCONNECTED, Connection, CredentialEvent
from hub.connections.probe import app_of
from hub.queue import ring


@sensitive_variables()
def hear_uninstall(connector: OAuth, authorization: str, body: bytes, *, now: datetime) -> bool:
    """Whether the system said so. Only a refresh that is refused ends an authorization: another user's may live on.

    Raises Unreadable, CannotOpen.
    """
    app = app_of(connector.key)
    if app is None or not app.set_up:
        return False
    account = connector.uninstalled_account(authorization, body, app.open())
    if not account:
        return False
    same = Connection.unscoped.filter(connector_key=connector.key, account=account)
    for connection in same.exclude(state="disabled", reason=DISCONNECTED).select_related("credential", "tenant"):
        ask_for_refresh(connection, now=now)
    return True


@transaction.atomic
def ask_for_refresh(connection: Connection, *, now: datetime) -> None:
    credential = connection.credential
    CredentialEvent.note(connection, "uninstalled", version=credential.version, now=now)
    credential.want_refresh(now=now)
    audit.record(
        actor=audit.SYSTEM,
        verb="connection.uninstall",
        obj=connection,
        tenant=connection.tenant,
        after={"account": connection.account},
        now=now,
    )
    ring(f"refresh:{connection.pk}", now=now)
