"""Remove our webhooks of an account before its authorization is revoked."""

from datetime import datetime, timedelta

from connectors.outcomes import Outcome
from connectors.schema import Credential
from hub.connections.credentials.provider_call import Call, Patience
from hub.connections.models import Connection
from hub.incoming.models import WebhookSubscription
from hub.incoming.registration.calls import RegistrationCalls

MAX_DELAY = timedelta(minutes=10)  # of a revocation, for the removal of webhooks


def unregister_webhooks(
    connection: Connection,
    credential: Credential,
    since: datetime,
    *,
    call: Call,
    now: datetime,
    patience: Patience,
) -> bool:
    """Remove the registrations of a disconnected connection, with its last credential.

    Returns whether the authorization may be revoked now: all are removed, or MAX_DELAY is over
    since then. No transaction may be open: the system is called.
    """
    subscriptions = connection.connector.subscriptions
    if subscriptions is None or subscriptions.is_manual or not connection.is_disconnected:
        return True
    calls = RegistrationCalls(connection, subscriptions, credential, call, lambda: now, patience)
    rows = WebhookSubscription.unscoped.filter(endpoint__connection=connection)
    is_complete = True
    for subscription in rows.exclude(external_id=""):
        outcome = calls.remove(subscription.external_id)
        if isinstance(outcome, Outcome):
            is_complete = False
            break
        subscription.delete()
    return is_complete or now - since >= MAX_DELAY
