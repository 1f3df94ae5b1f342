"""End authorizations that will not be confirmed, and revoke their tokens."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import transaction

from hub.connections.credentials.revocation_schedule import schedule_revocation
from hub.connections.models import Authorization
from hub.crypto.sealed import CannotOpen
from hub.db.state_machine import InvalidTransition

ABANDONED_REASONS = {"begun": "unfinished", "received": "interrupted", "granted": "late"}


def end_abandoned_authorizations(*, now: datetime) -> None:
    """Fail authorizations that expired, and schedule the revocation of their tokens.

    Raises LookupError at the end if the connector of an authorization is not installed.
    """
    authorizations = Authorization.unscoped.filter(
        state__in=ABANDONED_REASONS, expires_at__lte=now
    ).select_related("tenant")
    failures = []
    for authorization in authorizations[:100]:
        try:
            abandon_authorization(authorization, ABANDONED_REASONS[authorization.state], now=now)
        except InvalidTransition:
            continue
        except LookupError as error:
            failures.append(error)
    if failures:
        raise failures[0]


@transaction.atomic
def abandon_authorization(
    authorization: Authorization, reason: str, detail: str = "", *, now: datetime
) -> None:
    """Fail the authorization and schedule the revocation of its tokens.

    Raises InvalidTransition if another request has ended it.
    """
    document = _open_granted_document(authorization)
    authorization.fail(reason, detail)
    _revoke_granted_tokens(authorization, document, now=now)


@transaction.atomic
def cancel_authorization(authorization: Authorization, *, now: datetime) -> None:
    """Cancel the authorization and schedule the revocation of its tokens.

    Raises InvalidTransition if another request has ended it.
    """
    document = _open_granted_document(authorization)
    authorization.cancel()
    _revoke_granted_tokens(authorization, document, now=now)


def _open_granted_document(authorization: Authorization) -> Mapping[str, Any]:
    with suppress(CannotOpen):
        return authorization.open() if authorization.state == "granted" else {}
    return {}


def _revoke_granted_tokens(
    authorization: Authorization, document: Mapping[str, Any], *, now: datetime
) -> None:
    if document:
        account = authorization.account
        schedule_revocation(
            authorization.tenant,
            authorization.connector_key,
            document["secret"],
            settings=document["settings"],
            account=account,
            now=now,
        )
