"""The signing secret of an own endpoint: shown to who may see it, and changed with an overlap.

While a change lasts each request carries a signature by the new secret and one by each that it replaces, so that the
receiver can take the new one whenever it likes within that time.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.views.decorators.debug import sensitive_variables

from connectors.base import Connector
from connectors.signatures import WHSEC
from hub.connections.models import Connection, Credential
from hub.crypto.sealed import seal

SIGNING_SECRET = "signing_secret"  # the one secret that the hub makes itself where nobody gave one
OLD_SECRETS = "old_signing_secrets"
SIGNING_BYTES = 32
OVERLAP = timedelta(hours=24)
OLD_SECRETS_MAX = 3  # receivers look at a few signatures only


class TooManySigningSecrets(Exception):
    """So many old secrets are still in force that another change would push one out."""


@dataclass(frozen=True, slots=True, repr=False)
class SigningStatus:
    """What signs now, and until when what signed before does so too."""

    secret: str
    old_until: tuple[datetime, ...] = ()

    @property
    def overlaps_until(self) -> datetime | None:
        return max(self.old_until, default=None)


def has_signing_secret(connector: Connector) -> bool:
    """Whether requests of this connector are signed with a secret of the tenant's."""
    return any(field.key == SIGNING_SECRET for field in connector.fields)


def generate_signing_secret(random: Callable[[int], bytes]) -> str:
    return WHSEC + base64.b64encode(random(SIGNING_BYTES)).decode()


@sensitive_variables()
def read_signing_status(connection: Connection, *, now: datetime) -> SigningStatus:
    """Raises CannotOpen."""
    document = connection.credential.open(connection)
    overlap_ends = tuple(
        datetime.fromisoformat(old_secret["until"])
        for old_secret in _list_overlapping_secrets(document, now=now)
    )
    return SigningStatus(document.get(SIGNING_SECRET, ""), overlap_ends)


@sensitive_variables()
def _list_overlapping_secrets(
    document: Mapping[str, Any], *, now: datetime
) -> list[dict[str, str]]:
    old_secrets = document.get(OLD_SECRETS) or ()
    return [
        old_secret
        for old_secret in old_secrets
        if now < datetime.fromisoformat(old_secret["until"])
    ]


@sensitive_variables()
def rotate_signing_secret(
    connection: Connection, *, random: Callable[[int], bytes], now: datetime
) -> str:
    """The new secret; what signed until now does so for 24 hours more."""

    def rotate_secret(document: dict[str, Any]) -> dict[str, Any]:
        return merge_overlapping_secrets(
            document, document | {SIGNING_SECRET: generate_signing_secret(random)}, now=now
        )

    return rewrite_credential(connection, rotate_secret, now=now)[SIGNING_SECRET]


@sensitive_variables()
def merge_overlapping_secrets(
    stored: Mapping[str, Any], document: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """The document with the secrets that sign beside its own: those that do already, and the one that it replaces.

    Raises TooManyAtOnce.
    """
    if SIGNING_SECRET not in document:
        return dict(document)
    old, before = _list_overlapping_secrets(stored, now=now), stored.get(SIGNING_SECRET)
    if before and before != document[SIGNING_SECRET]:
        if len(old) >= OLD_SECRETS_MAX:
            raise TooManySigningSecrets
        old = [{"secret": before, "until": (now + OVERLAP).isoformat()}, *old]
    return (
        {**document, OLD_SECRETS: old}
        if old
        else {key: document[key] for key in document if key != OLD_SECRETS}
    )


def end_secret_overlap(connection: Connection, *, now: datetime) -> None:
    """The old secrets sign nothing more, from now on."""
    rewrite_credential(connection, lambda document: document | {OLD_SECRETS: []}, now=now)


@sensitive_variables()
def rewrite_credential(
    connection: Connection,
    change_document: Callable[[dict[str, Any]], dict[str, Any]],
    *,
    now: datetime,
) -> dict[str, Any]:
    """The document after the change. Locked meanwhile, so that of two changes at once none is lost."""
    with transaction.atomic():
        credential = Credential.unscoped.select_for_update().get(connection=connection)
        document = change_document(credential.open(connection))
        Credential.unscoped.filter(pk=credential.pk).update(
            sealed=seal(document, Credential.binding(connection)),
            version=F("version") + 1,
            updated_at=now,
        )
    return document
