"""Reveal and rotate the signing secret of an endpoint, and end the overlap, audited."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from connectors.registry import CONNECTORS
from hub.actions import Action, ShownOnce, declare_actions
from hub.audit import ActorContext
from hub.connections.actions.connection_actions import WRITE_SCOPE
from hub.connections.credentials import signing_secrets
from hub.connections.models import Connection, Credential
from hub.crypto.sealed import CannotOpen
from hub.db.clock import clock
from hub.problems import Refusal


class SigningSecretRefused(Refusal):
    """There is no signing secret, or it cannot be decrypted."""


class RotatedSecret(NamedTuple):
    secret: str
    overlap_until: datetime  # until then the old secret signs, too


NO_SECRET_TEXT = _("This connection has no signing secret.")
UNREADABLE_TEXT = _(
    "The stored secrets cannot be decrypted. Enter a new signing secret where you change the "
    "address of the endpoint."
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
) -> RotatedSecret:
    """Rotate the signing secret; return the new one, and when the overlap ends.

    Raises SigningSecretRefused, and TooManySigningSecrets after too many rotations.
    """
    _require_signing(connection)
    secret = signing_secrets.rotate_signing_secret(connection, random=random, now=now)
    overlap_until = now + signing_secrets.OVERLAP
    actor.audit("endpoint.rotate", connection, after={"overlap_until": overlap_until}, now=now)
    return RotatedSecret(secret, overlap_until)


@refuse_unreadable_secrets()
@transaction.atomic
def end_signing_overlap(connection: Connection, actor: ActorContext, *, now: datetime) -> None:
    """Stop signing with the old secrets. Raises SigningSecretRefused."""
    _require_signing(connection)
    signing_secrets.end_secret_overlap(connection, now=now)
    actor.audit("endpoint.end_overlap", connection, now=now)


def _require_signing(connection: Connection) -> None:
    if not has_own_signing_secret(connection):
        raise SigningSecretRefused(NO_SECRET_TEXT)


def has_own_signing_secret(connection: Connection) -> bool:
    connector = CONNECTORS.get(connection.connector_key)
    return (
        connector is not None
        and signing_secrets.has_signing_secret(connector)
        and not connection.is_disconnected
    )


def has_secret_overlap(connection: Connection) -> bool:
    """Whether an old signing secret is valid beside the new one."""
    if not has_own_signing_secret(connection):
        return False
    try:
        status = signing_secrets.read_signing_status(connection, now=clock())
    except (CannotOpen, Credential.DoesNotExist):
        return False
    return status.overlaps_until is not None


@sensitive_variables()
def show_secret_once(secret: str) -> ShownOnce:
    return ShownOnce(
        text=secret,
        title=_("Copy the signing secret now"),
        heading=_("Signing secret"),
        note=_(
            "The hub generated a signing secret. The receiver uses it to verify the signatures of "
            "events. Staff see it only once; owners and admins of the tenant can show it again."
        ),
    )


def _describe_rotated(rotated: RotatedSecret) -> str:
    return gettext("Rotated. The old secret signs too, until %(until)s UTC.") % {
        "until": f"{rotated.overlap_until:%Y-%m-%d %H:%M}"
    }


SECRET_ACTIONS = declare_actions(
    Action[Connection](
        name="reveal_signing_secret",
        label=_("Show"),
        question=_("The signing secret is shown, and the audit log records who has seen it."),
        success=_("The audit log records that you have seen the signing secret."),
        run=reveal_signing_secret,
        show_once=show_secret_once,
        recent_login_at=("portal",),
        withheld={
            "staff": "Staff see a secret only once, when it is made.",
            "rest": "Programs receive a secret only once, when it is made.",
        },
    ),
    Action[Connection](
        name="rotate_signing_secret",
        label=_("Rotate the signing secret"),
        question=_(
            "The old secret signs for another 24 hours beside the new one, which only this "
            "response contains. Only webhook endpoints have a signing secret."
        ),
        summary="Rotate the signing secret of an endpoint",
        run=change_signing_secret,
        describe_result=_describe_rotated,
        show_once=lambda rotated: show_secret_once(rotated.secret),
        makes_token=True,
        is_available=has_own_signing_secret,
        scope=WRITE_SCOPE,
        recent_login_at=("staff", "portal"),
        icon="key",
    ),
    Action[Connection](
        name="end_signing_overlap",
        label=_("Stop using the old secret"),
        question=_("Only the newest secret signs from now on. Use it after an old one leaked."),
        success=_("Only the new secret signs now."),
        summary="End the overlap of signing secrets",
        run=end_signing_overlap,
        is_available=has_secret_overlap,
        scope=WRITE_SCOPE,
        recent_login_at=("staff", "portal"),
        icon="key_off",
    ),
)
