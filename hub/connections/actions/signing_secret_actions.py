"""Reveal and rotate the signing secret of an endpoint, audited; portal and REST call these."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from hub.audit import ActorContext
from hub.connections.credentials import signing_secrets
from hub.connections.models import Connection
from hub.crypto.sealed import CannotOpen
from hub.problems import Refusal


class SigningSecretRefused(Refusal):
    """There is no signing secret, or it cannot be decrypted."""


NO_SECRET_TEXT = _("This connection has no signing secret.")
UNREADABLE_TEXT = _(
    "The stored secrets cannot be decrypted. Enter a new signing secret in the settings of the "
    "connection (in the API: PATCH with signing_secret)."
)


@contextmanager
def refuse_unreadable_secrets() -> Iterator[None]:
    """Raise SigningSecretRefused if the credential does not open."""
    try:
        yield
    except CannotOpen:
        raise SigningSecretRefused(UNREADABLE_TEXT) from None


@refuse_unreadable_secrets()
@transaction.atomic
@sensitive_variables()
def reveal_signing_secret(connection: Connection, actor: ActorContext, *, now: datetime) -> str:
    """Return the stored signing secret, audited. Raises SigningSecretRefused."""
    secret = signing_secrets.read_signing_status(connection, now=now).secret
    actor.audit("endpoint.reveal", connection, now=now)
    return secret


@refuse_unreadable_secrets()
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

    Raises SigningSecretRefused, and TooManySigningSecrets after too many rotations.
    """
    _require_signing(connection)
    secret = signing_secrets.rotate_signing_secret(connection, random=random, now=now)
    overlap_until = now + signing_secrets.OVERLAP
    actor.audit("endpoint.rotate", connection, after={"overlap_until": overlap_until}, now=now)
    return secret, overlap_until


@refuse_unreadable_secrets()
@transaction.atomic
def end_signing_overlap(connection: Connection, actor: ActorContext, *, now: datetime) -> None:
    """Stop signing with the old secrets. Raises SigningSecretRefused."""
    _require_signing(connection)
    signing_secrets.end_secret_overlap(connection, now=now)
    actor.audit("endpoint.end_overlap", connection, now=now)


def _require_signing(connection: Connection) -> None:
    if connection.is_disconnected or not signing_secrets.has_signing_secret(connection.connector):
        raise SigningSecretRefused(NO_SECRET_TEXT)
