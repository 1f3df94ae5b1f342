"""Actions of staff on the signing secret of a webhook endpoint: rotate it, end the overlap."""

import secrets
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_variables

from connectors.registry import CONNECTORS
from hub import staff
from hub.audit import ActorContext
from hub.connections.actions import signing_secret_actions
from hub.connections.credentials.signing_secrets import has_signing_secret, read_signing_status
from hub.connections.models import Connection, Credential
from hub.crypto.sealed import CannotOpen
from hub.db.clock import clock


def has_own_signing_secret(connection: Connection) -> bool:
    connector = CONNECTORS.get(connection.connector_key)
    return (
        connector is not None and has_signing_secret(connector) and not connection.is_disconnected
    )


def has_secret_overlap(connection: Connection) -> bool:
    """Whether an old signing secret is valid beside the new one."""
    if not has_own_signing_secret(connection):
        return False
    try:
        return read_signing_status(connection, now=clock()).overlaps_until is not None
    except (CannotOpen, Credential.DoesNotExist):
        return False


class SigningSecretMixin(staff.ModelAdmin):
    """Mixin of the connections' admin: *Rotate the signing secret* and *End the overlap*."""

    def show_new_secret(
        self, request: HttpRequest, connection: Connection, secret: str
    ) -> HttpResponse:
        return self.page(
            request,
            "console/secret_made.html",
            text=secret,
            back=self.change_url(connection),
            title=f"{connection}: copy the signing secret now",
        )

    @staff.row_action(
        "Rotate the signing secret",
        icon="key",
        is_available=has_own_signing_secret,
        sensitive=True,
    )
    @sensitive_variables()
    def rotate_signing_secret(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        actor = ActorContext.of_request(request)
        secret, overlap_until = signing_secret_actions.change_signing_secret(
            connection, actor, random=secrets.token_bytes, now=now
        )
        detail = f"Rotated. The old secret signs too, until {overlap_until:%Y-%m-%d %H:%M} UTC."
        page = self.show_new_secret(request, connection, secret)
        return staff.ActionResult(detail, page=page)

    @staff.row_action(
        "End the overlap of secrets",
        icon="key_off",
        is_available=has_secret_overlap,
        sensitive=True,
    )
    def end_signing_overlap(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        actor = ActorContext.of_request(request)
        signing_secret_actions.end_signing_overlap(connection, actor, now=now)
        return staff.ActionResult("Only the new secret signs now.")
