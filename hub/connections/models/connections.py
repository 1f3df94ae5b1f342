"""One tenant's account at one connector, and the transitions of its state."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone

from connectors.base import Connector
from connectors.registry import CONNECTORS, ENDPOINT_CONNECTOR
from hub.connections import notifications
from hub.connections.models.lanes import CLEARED_FAILURE_COUNTS, Lane
from hub.db.ids import uuid7
from hub.db.state_machine import InvalidTransition, StateMachine
from tenants.models import Tenant, User
from tenants.scoping import Scoped

REFRESHING = "refreshing"
BREAKER = "breaker_open"
MAINTENANCE = "maintenance"
CALLS_FAILING = "calls_failing"
ENDPOINT_REFUSES = "endpoint_refuses"
# reasons of *degraded* until the next call succeeds
CALL_REASONS = (CALLS_FAILING, ENDPOINT_REFUSES, BREAKER)
DISCONNECTED = "disconnected"
USER_ID = "user_id"  # the setting with the external user who authorized us, where it is told
HOLDING_STATES = {"paused", "needs_reconnect", "disabled"}  # states in which nothing is sent
# a person has stopped the connection; only a person, or the end of `paused_until`, starts it again
STOPPED_STATES = ("paused", "disabled")


def validate_connector_key(value: str) -> None:
    if value not in CONNECTORS:
        raise ValidationError("%(value)s is not a connector.", params={"value": value})


def sendable_lanes(*, now: datetime) -> models.QuerySet[Lane]:
    """Select the lanes that are not held: by a state, a kill switch, a suspension, maintenance.

    An open breaker holds its lane until a probe may be sent.
    """
    unheld = models.Q(hold_reason="") | models.Q(hold_reason=BREAKER, open_until__lte=now)
    return Lane.unscoped.filter(unheld, switched_off_by="", connection__tenant__suspended_at=None)


class Connection(Scoped, StateMachine):
    """One tenant's account at one connector. A connection of our own application has no tenant."""

    class State(models.TextChoices):
        HEALTHY = "healthy"
        DEGRADED = "degraded"
        NEEDS_RECONNECT = "needs_reconnect", "needs reconnect"
        PAUSED = "paused"
        SILENT = "silent"
        DISABLED = "disabled"

    # healthy <-> degraded <-> silent; from each to needs_reconnect, paused or disabled, and back
    TRANSITIONS: ClassVar[Mapping[str, set[str]]] = {
        "healthy": {"degraded", "silent", "needs_reconnect", "paused", "disabled"},
        "degraded": {"healthy", "silent", "needs_reconnect", "paused", "disabled"},
        "silent": {"healthy", "degraded", "needs_reconnect", "paused", "disabled"},
        "needs_reconnect": {"healthy", "paused", "disabled"},
        "paused": {"healthy", "needs_reconnect", "disabled"},
        # from disabled to disabled: it is disconnected
        "disabled": {"healthy", "needs_reconnect", "disabled"},
    }

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, null=True, blank=True, related_name="connections"
    )
    connector_key = models.CharField(max_length=40, validators=[validate_connector_key])
    name = models.CharField(max_length=200)
    account = models.CharField(
        max_length=200, blank=True, help_text="Its id in the external system."
    )
    account_name = models.CharField(max_length=200, blank=True)
    # when it replaced another account, or may have; null: it is the first one
    account_since = models.DateTimeField(null=True, blank=True, editable=False)
    settings = models.JSONField(default=dict, blank=True)
    # as the account granted them; null: the system does not report them
    permissions = models.JSONField(null=True, editable=False)
    state = models.CharField(max_length=20, choices=State, default=State.HEALTHY, editable=False)
    reason = models.CharField(max_length=60, blank=True, editable=False)
    detail = models.CharField(max_length=500, blank=True, editable=False)
    state_changed_at = models.DateTimeField(default=timezone.now, editable=False)
    paused_until = models.DateTimeField(null=True, blank=True, editable=False)
    # whether events that arrive while it is disconnected are held; otherwise their deliveries are
    # skipped
    keeps_events = models.BooleanField(default=True, db_default=True, editable=False)
    # why its authorization ended while it was paused or disabled; applied when it is resumed
    ended_reason = models.CharField(
        max_length=60, blank=True, default="", db_default="", editable=False
    )
    ended_detail = models.CharField(
        max_length=500, blank=True, default="", db_default="", editable=False
    )
    # when its settings or credential changed
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    # when the next liveness check is due
    check_at = models.DateTimeField(null=True, blank=True, editable=False)
    # liveness checks that failed in a row
    checks_failed = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    connected_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, editable=False
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "connector_key", "account"),
                condition=~models.Q(account=""),
                name="one_per_account",
            ),
        )
        indexes = (
            models.Index(fields=("connector_key", "state"), name="connection_by_state"),
            models.Index(fields=("check_at",), name="connections_to_check"),
        )

    def __str__(self) -> str:
        """Return the name, followed by the account's name unless it contains that."""
        if not self.account_name or self.account_name.casefold() in self.name.casefold():
            return self.name
        return f"{self.name} ({self.account_name})"

    @property
    def connector(self) -> Connector:
        """The connector. Raises LookupError if it is not installed."""
        return CONNECTORS[self.connector_key]

    @property
    def is_tenant_endpoint(self) -> bool:
        """Whether it is a webhook endpoint of the tenant, which chooses its events."""
        return self.tenant_id is not None and self.connector_key == ENDPOINT_CONNECTOR.key

    @property
    def is_disconnected(self) -> bool:
        """Whether a person disconnected the account: the credential is wiped, the history stays."""
        return self.state == "disabled" and self.reason == DISCONNECTED

    @property
    def missing_permissions(self) -> list[str]:
        """The permissions that the connector needs and the account did not grant."""
        return self.connector.list_missing_permissions(self.permissions)

    # --- transitions; each changes the lane with it, in the caller's transaction ---

    def pause(self, reason: str, *, until: datetime | None, now: datetime) -> None:
        self._change_state("paused", reason="paused", detail=reason, paused_until=until, now=now)

    def disconnect(self, detail: str = "", *, keeps_events: bool, now: datetime) -> None:
        """Disable the connection as disconnected. Must be called in a transaction.

        Raises InvalidTransition if it is disconnected already, so that its reason and choice are
        kept.
        """
        if self._lock_row().is_disconnected:
            raise InvalidTransition(self, "disabled")
        self._change_state(
            "disabled", reason=DISCONNECTED, detail=detail, keeps_events=keeps_events, now=now
        )

    def disable(self, reason: str, detail: str = "", *, now: datetime) -> None:
        """Disable the connection.

        Raises InvalidTransition if it is disabled already, as it keeps its reason.
        """
        if self.state == "disabled":
            raise InvalidTransition(self, "disabled")
        self._change_state("disabled", reason=reason, detail=detail, now=now)

    def mark_needs_reconnect(self, reason: str, detail: str = "", *, now: datetime) -> None:
        """Record that a person must authorize the connection again.

        A paused or disabled connection keeps its state, and stores the reason for `resume`. Raises
        InvalidTransition for a disconnected one.
        """
        try:
            if self.state in STOPPED_STATES:
                raise InvalidTransition(self, "needs_reconnect")
            self._change_state("needs_reconnect", reason=reason, detail=detail, now=now)
        except InvalidTransition:
            if not self._record_end(reason, detail[:500]):
                raise

    def _record_end(self, reason: str, detail: str) -> bool:
        stopped_connections = Connection.unscoped.filter(
            pk=self.pk, state__in=STOPPED_STATES
        ).exclude(reason=DISCONNECTED)
        return bool(stopped_connections.update(ended_reason=reason, ended_detail=detail))

    def resume(self, *, now: datetime) -> None:
        """Set the state to healthy, or to needs_reconnect if the authorization ended meanwhile.

        Needs a transaction of the caller. Raises InvalidTransition if it is disconnected, or has
        changed meanwhile.
        """
        locked = self._lock_row()
        if locked.is_disconnected or locked.state != self.state:
            raise InvalidTransition(self, "healthy")
        if locked.ended_reason:
            end = {"reason": locked.ended_reason, "detail": locked.ended_detail}
            self._change_state("needs_reconnect", **end, paused_until=None, now=now)
        else:
            self.mark_healthy(now=now)

    def _lock_row(self) -> "Connection":
        """Lock the lane and the connection, in this order, and return the row as it is stored."""
        Lane.lock(self.pk)
        return Connection.unscoped.select_for_update(no_key=True).get(pk=self.pk)

    def mark_degraded(self, reason: str, detail: str = "", *, now: datetime) -> None:
        """Mark the connection as degraded; it is still used.

        Raises InvalidTransition if it is neither healthy nor silent, or has changed meanwhile.
        """
        self.transition_to("degraded", reason=reason, detail=detail[:500], state_changed_at=now)
        notifications.notify_state_change(self, "", now=now)

    def mark_silent(self, reason: str, detail: str = "", *, now: datetime) -> None:
        """Mark the connection as silent: its webhooks do not arrive any more. It is still used.

        Raises InvalidTransition if it may not, or has changed meanwhile.
        """
        self.transition_to("silent", reason=reason, detail=detail[:500], state_changed_at=now)

    def mark_healthy(self, *, now: datetime) -> None:
        """Mark the connection as healthy; its lane becomes due.

        Raises InvalidTransition if it is healthy already, or has changed meanwhile.
        """
        self._change_state("healthy", reason="", detail="", paused_until=None, now=now)

    @transaction.atomic
    def _change_state(self, state: str, *, now: datetime, **changes: Any) -> None:
        Lane.lock(self.pk)
        before = self.state
        detail = str(changes.get("detail", ""))[:500]
        self.transition_to(
            state,
            state_changed_at=now,
            **self._build_end_columns(state),
            **changes | {"detail": detail},
        )
        notifications.notify_state_change(self, before, now=now)
        hold_reason = (
            DISCONNECTED if self.is_disconnected else state if state in HOLDING_STATES else ""
        )
        Lane.unscoped.filter(connection=self).update(
            hold_reason=hold_reason,
            **({} if hold_reason else {"due_at": now, **CLEARED_FAILURE_COUNTS}),
        )

    def _build_end_columns(self, state: str) -> dict[str, str]:
        """Build the columns with the reason why an authorization ended.

        A pause or disabling of a connection that needs a reconnect sets them, any other state
        clears them.
        """
        if state not in STOPPED_STATES:
            return {"ended_reason": "", "ended_detail": ""}
        return (
            {"ended_reason": self.reason, "ended_detail": self.detail}
            if self.state == "needs_reconnect"
            else {}
        )
