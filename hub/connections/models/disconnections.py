"""Disconnects that can be undone, each with the sealed credential that an undo restores."""

from datetime import timedelta
from typing import Any

from django.db import models

from hub.connections.models.connections import Connection
from hub.crypto.sealed import SealedField
from hub.db.ids import uuid7
from tenants.scoping import Scoped


class Disconnection(Scoped):
    """A disconnect that can be undone until `revoke_at`.

    The connection's own credential is empty meanwhile, so it cannot be used. The sealed document is
    bound to this row. It is opened by an undo, by the revocation, and by the receiver of webhooks
    to verify them with its signing secret.
    """

    TENANT = "connection__tenant"
    UNDO_PERIOD = timedelta(hours=24)

    connection = models.OneToOneField(
        Connection, on_delete=models.CASCADE, primary_key=True, related_name="disconnection"
    )
    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    sealed = SealedField(editable=False)
    version = models.PositiveIntegerField()  # of the credential that was moved here
    account = models.CharField(max_length=200, blank=True)
    # the columns of the credential: build_token_columns()
    token_lifetimes = models.JSONField(default=dict)
    expires_at = models.DateTimeField(null=True)
    refresh_due_at = models.DateTimeField(null=True)
    grant_expires_at = models.DateTimeField(null=True)
    # the state before the disconnect
    state = models.CharField(max_length=20, choices=Connection.State)
    reason = models.CharField(max_length=60, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    paused_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    revoke_at = models.DateTimeField(db_index=True)
    # until then another undo is in progress
    claimed_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"disconnect of connection {self.connection_id}"

    @property
    def binding(self) -> str:
        return f"disconnection:{self.public_id}"

    def open(self) -> dict[str, Any]:
        """Return the document: `secret` and `settings`. Raises CannotOpen."""
        return self.sealed.open(self.binding)


def get_pending_disconnection(connection: Connection) -> Disconnection | None:
    """Return the disconnect that can still be undone; None if there is none.

    Its row is deleted by an undo, a reconnection or the revocation. Reads it from the connection if
    the query has joined it, otherwise with a query of its own.
    """
    if not connection.is_disconnected:
        return None
    disconnection: Disconnection | None = getattr(connection, "disconnection", None)
    return disconnection
