"""Attempts of a person to authorize our app at an external system."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.db import models

from connectors.base import Connector
from connectors.registry import CONNECTORS
from hub.connections.models.connect_links import ConnectLink
from hub.connections.models.connections import Connection, validate_connector_key
from hub.crypto.sealed import SealedField, seal
from hub.db.ids import uuid7
from hub.db.state_machine import StateMachine
from tenants.models import Tenant, User
from tenants.scoping import Scoped


class Authorization(Scoped, StateMachine):
    """An attempt to connect by OAuth: user and browser, the system's response, the result.

    `sealed` contains the PKCE verifier, then the granted tokens; it is emptied when the attempt
    ends.
    """

    class State(models.TextChoices):
        BEGUN = "begun"
        RECEIVED = "received"
        GRANTED = "granted"
        CONFIRMED = "confirmed"
        CANCELLED = "cancelled"
        FAILED = "failed"

    # begun -> received (a code came back) -> granted (we have tokens) -> confirmed
    # each of these may become failed, and begun and granted may become cancelled
    # failed -> cancelled: the user no longer waits for an administrator of the system
    TRANSITIONS: ClassVar[Mapping[str, set[str]]] = {
        "begun": {"received", "cancelled", "failed"},
        "received": {"granted", "failed"},
        "granted": {"confirmed", "cancelled", "failed"},
        "failed": {"cancelled"},
    }

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="authorizations")
    connector_key = models.CharField(max_length=40, validators=[validate_connector_key])
    # the connection to reconnect; after the confirmation the connection that was made
    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, null=True, blank=True, related_name="authorizations"
    )
    name = models.CharField(max_length=200)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, blank=True)
    # the reference of a user of our own application, or of a connect link
    guest = models.CharField(max_length=100, blank=True)
    # the connect link that the guest opened
    link = models.ForeignKey(ConnectLink, on_delete=models.CASCADE, null=True, blank=True)
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of `state`
    browser = models.CharField(max_length=64)  # SHA-256 of the value in the browser's session
    redirect_uri = models.CharField(max_length=500)
    return_to = models.CharField(max_length=500)
    sealed = SealedField(null=True)
    account = models.CharField(max_length=200, blank=True)
    account_name = models.CharField(max_length=200, blank=True)
    # the chosen one; tokens of another environment are rejected
    environment = models.CharField(max_length=20, blank=True)
    # empty: the common login
    login_host = models.CharField(max_length=100, blank=True, default="", db_default="")
    permissions = models.JSONField(null=True)  # as granted; null: the system does not report them
    state = models.CharField(max_length=10, choices=State, default=State.BEGUN, editable=False)
    reason = models.CharField(max_length=60, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta(Scoped.Meta):
        indexes = (
            models.Index(
                fields=("expires_at",),
                condition=models.Q(state__in=("begun", "received", "granted")),
                name="authorizations_under_way",
            ),
        )

    def __str__(self) -> str:
        return f"authorization of {self.connector_key} for {self.tenant}"

    @property
    def connector(self) -> Connector:
        """The connector. Raises LookupError if it is not installed."""
        return CONNECTORS[self.connector_key]

    @property
    def binding(self) -> str:
        return f"authorization:{self.public_id}"

    def open(self) -> dict[str, Any]:
        return self.sealed.open(self.binding) if self.sealed else {}

    def is_late(self, *, now: datetime) -> bool:
        return self.expires_at <= now

    # --- transitions ---

    def receive(self) -> None:
        """Mark `state` as used, even if the exchange fails later.

        Raises InvalidTransition if it was used before.
        """
        self.transition_to("received")

    def store_code(self, code: str) -> None:
        """Seal the code while its exchange waits for a slot; the attempt stays *begun*."""
        self.sealed = seal({**self.open(), "code": code}, self.binding)
        Authorization.unscoped.filter(pk=self.pk, state="begun").update(sealed=self.sealed)

    def grant(self, document: Mapping[str, Any], *, until: datetime, **columns: Any) -> None:
        self.transition_to(
            "granted", sealed=seal(document, self.binding), expires_at=until, **columns
        )

    def confirm(self) -> None:
        self.transition_to("confirmed", sealed=None)

    def set_connection(self, connection: Connection) -> None:
        self.connection = connection
        self.save(update_fields=["connection"])

    def cancel(self) -> None:
        self.transition_to("cancelled", sealed=None)

    def fail(self, reason: str, detail: str = "") -> None:
        self.transition_to("failed", sealed=None, reason=reason, detail=detail[:500])
