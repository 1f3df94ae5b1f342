"""Reveal and rotate the signing secret of an endpoint, audited; portal and REST call these."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from hub.audit import ActorContext
from hub.connections.actions.connection_actions import InvalidConnectionState
from hub.connections.credentials import signing_secrets
from hub.connections.models import Connection


class SigningSecretRefused(Exception):
    """The signing secret was not changed; the message contains the reason."""


TOO_MANY_SECRETS_TEXT = (
    "The secret was changed too often in one day. Stop using the old secret, or wait until it "
    "expires."
)


@transaction.atomic
@sensitive_variables()
def reveal_signing_secret(connection: Connection, actor: ActorContext, *, now: datetime) -> str:
    """Return the stored signing secret, audited.

    Raises CannotOpen if the credential does not open.
    """
    secret = signing_secrets.read_signing_status(connection, now=now).secret
    actor.audit("endpoint.reveal", connection, now=now)
    return secret


@transaction.atomic
@sensitive_variables()
def change_signing_secret(
    connection: Connection,
    actor: ActorContext,
    *,
    random: Callable[[int], bytes],
    now: datetime,
) -> tuple[str, datetime]:
    """Rotate the signing secret; return the new one, and when the overlap ends.

    Raises InvalidConnectionState if the connection has no signing secret, SigningSecretRefused
    after too many rotations, and CannotOpen if the credential does not open.
    """
    _require_signing(connection)
    try:
        secret = signing_secrets.rotate_signing_secret(connection, random=random, now=now)
    except signing_secrets.TooManySigningSecrets:
        raise SigningSecretRefused(TOO_MANY_SECRETS_TEXT) from None
    overlap_until = now + signing_secrets.OVERLAP
    actor.audit("endpoint.rotate", connection, after={"overlap_until": overlap_until}, now=now)
    return secret, overlap_until


@transaction.atomic
def end_signing_overlap(connection: Connection, actor: ActorContext, *, now: datetime) -> None:
    """Stop signing with the old secrets.

    Raises InvalidConnectionState if the connection has no signing secret, and CannotOpen if the
    credential does not open.
    """
    _require_signing(connection)
    signing_secrets.end_secret_overlap(connection, now=now)
    actor.audit("endpoint.end_overlap", connection, now=now)


def _require_signing(connection: Connection) -> None:
    if connection.is_disconnected or not signing_secrets.has_signing_secret(connection.connector):
        raise InvalidConnectionState(connection.state)
