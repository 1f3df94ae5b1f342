"""Links with which a person without an account connects one system for one tenant."""

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Q

from connectors.base import Connector
from connectors.registry import CONNECTORS
from hub.connections.models.connections import Connection, validate_connector_key
from hub.db.ids import uuid7
from tenants.models import Tenant
from tenants.scoping import Scoped


def build_guest_reference(id: Any) -> str:
    """Return the guest reference of a link, which no reference of our own application equals."""
    return f"link {id}"


class ConnectLink(Scoped):
    """One link, bound to the first browser that opens it, and used once.

    Only the digest of the token is stored, so the address is shown once.
    """

    LIFETIME = timedelta(hours=24)

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="connect_links")
    connector_key = models.CharField(max_length=40, validators=[validate_connector_key])
    # the connection to reconnect; after the use the connection that was made
    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, null=True, blank=True, related_name="connect_links"
    )
    # empty: the guest chooses
    environment = models.CharField(max_length=20, blank=True, default="", db_default="")
    # empty: the common login
    login_host = models.CharField(max_length=100, blank=True, default="", db_default="")
    maker = models.CharField(
        max_length=200, help_text="The name of the requester that the page shows."
    )
    # SHA-256 of the token, hex
    digest = models.CharField(max_length=64, unique=True, editable=False)
    # SHA-256 of the value in the browser's session
    browser = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"connect link to {self.connector_key} for {self.tenant}"

    @property
    def connector(self) -> Connector:
        """The connector. Raises LookupError if it is not installed."""
        return CONNECTORS[self.connector_key]

    @property
    def system(self) -> str:
        return (
            CONNECTORS[self.connector_key].label
            if self.connector_key in CONNECTORS
            else self.connector_key
        )

    @property
    def guest(self) -> str:
        return build_guest_reference(self.public_id)

    def state(self, now: datetime) -> str:
        if self.used_at:
            return "used"
        if self.revoked_at:
            return "revoked"
        if self.expires_at <= now:
            return "expired"
        return "opened" if self.opened_at else "pending"

    def is_open(self, now: datetime) -> bool:
        return self.state(now) in ("pending", "opened")

    def update_if_open(self, condition: Q | None = None, *, now: datetime, **changes: Any) -> bool:
        """Change the link if it is open and matches `condition`; return whether it was changed."""
        links = ConnectLink.unscoped.filter(
            pk=self.pk, used_at=None, revoked_at=None, expires_at__gt=now
        )
        if not links.filter(condition or Q()).update(**changes):
            return False
        for name, value in changes.items():
            setattr(self, name, value)
        return True
