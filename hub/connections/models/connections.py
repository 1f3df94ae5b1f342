"""One tenant's account at one connector, its credential, and the lane that the pump claims."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import connection as database
from django.db import models, transaction
from django.utils import timezone

from connectors.base import Connector
from connectors.oauth import OAuth
from connectors.registry import CONNECTORS
from connectors.schema import Environment
from hub.connections import notifications
from hub.crypto.sealed import CannotOpen, SealedField, seal
from hub.db.ids import uuid7
from hub.db.state_machine import InvalidTransition, StateMachine
from tenants.models import Tenant, User
from tenants.scoping import Scoped

REFRESHING = "refreshing"
BREAKER = "breaker_open"
MAINTENANCE = "maintenance"
CALLS_FAILING = "calls_failing"
ENDPOINT_REFUSES = "endpoint_refuses"
CALL_REASONS = (
    CALLS_FAILING,
    ENDPOINT_REFUSES,
    BREAKER,
)  # why it is degraded until the next call succeeds
DISCONNECTED = "disconnected"
HOLDING_STATES = {"paused", "needs_reconnect", "disabled"}  # states in which nothing is sent
STOPPED_STATES = ("paused", "disabled")  # states that only a person ends


def validate_connector_key(value: str) -> None:
    if value not in CONNECTORS:
        raise ValidationError("%(value)s is not a connector.", params={"value": value})


class ConnectorApp(models.Model):
    """Our own registration at one external system, the same for all tenants; it holds the base URLs too."""

    connector_key = models.CharField(
        max_length=40, unique=True, validators=[validate_connector_key]
    )
    urls = models.JSONField(
        default=dict, blank=True, help_text="Base URLs that differ from the connector's own."
    )
    hosts = models.JSONField(
        default=list, blank=True, help_text="Host patterns that an answer may name."
    )
    sealed = SealedField(null=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.connector_key

    @property
    def binding(self) -> str:
        return f"connector_app:{self.connector_key}"

    @property
    def set_up(self) -> bool:
        """Whether a person can be sent to that system: our client id and secret are filled in."""
        try:
            document = self.open()
        except CannotOpen:
            return False
        return all(document.get(key) for key in CONNECTORS[self.connector_key].client_fields)

    @property
    def bases(self) -> dict[str, str]:
        """The base URLs: the connector's own, and what staff changed of them."""
        return {**CONNECTORS[self.connector_key].urls, **self.urls}

    @property
    def environments(self) -> tuple[Environment, ...]:
        """Those of its system that people may be sent to."""
        connector = CONNECTORS[self.connector_key]
        return (
            connector.allowed_environments(self.bases, tuple(self.hosts))
            if isinstance(connector, OAuth)
            else ()
        )

    @property
    def has_login_hosts(self) -> bool:
        """Whether people may be sent to a login host of their own."""
        code = CONNECTORS[self.connector_key]
        return isinstance(code, OAuth) and code.has_login_hosts(self.bases, tuple(self.hosts))

    @classmethod
    def list_ready_connectors(cls) -> set[str]:
        """The connectors that a tenant may connect now; the others are not set up yet. One statement."""
        apps = {app.connector_key: app for app in cls.objects.filter(connector_key__in=CONNECTORS)}
        return {
            key
            for key, connector in CONNECTORS.items()
            if not connector.platform
            and (not connector.client_fields or (key in apps and apps[key].set_up))
        }

    def open(self) -> dict[str, Any]:
        return self.sealed.open(self.binding) if self.sealed else {}

    def seal(self, document: Mapping[str, Any]) -> None:
        self.sealed = seal(document, self.binding)


class Connection(Scoped, StateMachine):
    """One tenant's account at one connector; our own application has one for the platform, without a tenant."""

    class State(models.TextChoices):
        HEALTHY = "healthy"
        DEGRADED = "degraded"
        NEEDS_RECONNECT = "needs_reconnect", "needs reconnect"
        PAUSED = "paused"
        SILENT = "silent"
        DISABLED = "disabled"

    # healthy <-> degraded <-> silent; any of them may need a reconnect, be paused or disabled, and come back healthy
    TRANSITIONS: ClassVar[Mapping[str, set[str]]] = {
        "healthy": {"degraded", "silent", "needs_reconnect", "paused", "disabled"},
        "degraded": {"healthy", "silent", "needs_reconnect", "paused", "disabled"},
        "silent": {"healthy", "degraded", "needs_reconnect", "paused", "disabled"},
        "needs_reconnect": {"healthy", "paused", "disabled"},
        "paused": {"healthy", "needs_reconnect", "disabled"},
        "disabled": {
            "healthy",
            "needs_reconnect",
            "disabled",
        },  # again, for another reason: it is disconnected then
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
    settings = models.JSONField(default=dict, blank=True)
    permissions = models.JSONField(
        null=True, editable=False
    )  # as the account granted them; null: nobody told
    state = models.CharField(max_length=20, choices=State, default=State.HEALTHY, editable=False)
    reason = models.CharField(max_length=60, blank=True, editable=False)
    detail = models.CharField(max_length=500, blank=True, editable=False)
    state_changed_at = models.DateTimeField(default=timezone.now, editable=False)
    paused_until = models.DateTimeField(null=True, blank=True, editable=False)
    # whether events that arrive while it is disconnected are held for it; otherwise their deliveries are skipped
    keeps_events = models.BooleanField(default=True, db_default=True, editable=False)
    # the end of its authorization that was found while a person's stop holds it; it counts when the stop is over
    ended_reason = models.CharField(
        max_length=60, blank=True, default="", db_default="", editable=False
    )
    ended_detail = models.CharField(
        max_length=500, blank=True, default="", db_default="", editable=False
    )
    changed_at = models.DateTimeField(
        default=timezone.now, editable=False
    )  # settings or credential
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    check_at = models.DateTimeField(
        null=True, blank=True, editable=False
    )  # the next liveness check
    checks_failed = models.PositiveSmallIntegerField(
        default=0, db_default=0, editable=False
    )  # in a row
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
        """Its name, with the account's where that tells it from others of the same name."""
        if not self.account_name or self.account_name.casefold() in self.name.casefold():
            return self.name
        return f"{self.name} ({self.account_name})"

    @property
    def connector(self) -> Connector:
        """Raises LookupError where this connector is not installed."""
        return CONNECTORS[self.connector_key]

    @property
    def is_disconnected(self) -> bool:
        """A person ended it: there is no credential any more, its history stays."""
        return self.state == "disabled" and self.reason == DISCONNECTED

    @property
    def missing_permissions(self) -> list[str]:
        """What its connector needs and the account did not grant."""
        return self.connector.missing(self.permissions)

    # --- the named moves; each changes the lane with it, in the caller's transaction ---

    def pause(self, reason: str, *, until: datetime | None, now: datetime) -> None:
        self._change_state("paused", reason="paused", detail=reason, paused_until=until, now=now)

    def disconnect(self, detail: str = "", *, keeps_events: bool, now: datetime) -> None:
        self._change_state(
            "disabled", reason=DISCONNECTED, detail=detail, keeps_events=keeps_events, now=now
        )

    def disable(self, reason: str, detail: str = "", *, now: datetime) -> None:
        """What is disabled keeps its reason, until a person enables or disconnects it."""
        if self.state == "disabled":
            raise InvalidTransition(self, "disabled")
        self._change_state("disabled", reason=reason, detail=detail, now=now)

    def mark_needs_reconnect(self, reason: str, detail: str = "", *, now: datetime) -> None:
        """Only a person can authorize it again. Where a person has stopped it, it stays stopped, and this is noted."""
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
        """A person's stop is over: healthy, unless its authorization ended meanwhile. In the caller's transaction."""
        Lane.lock(self.pk)
        locked = Connection.unscoped.select_for_update(no_key=True).get(pk=self.pk)
        if locked.ended_reason:
            end = {"reason": locked.ended_reason, "detail": locked.ended_detail}
            self._change_state("needs_reconnect", **end, paused_until=None, now=now)
        else:
            self.mark_healthy(now=now)

    def mark_degraded(self, reason: str, detail: str = "", *, now: datetime) -> None:
        """It is used, and its lane goes on."""
        self.transition_to("degraded", reason=reason, detail=detail[:500], state_changed_at=now)
        notifications.notify_state_change(self, "", now=now)

    def mark_healthy(self, *, now: datetime) -> None:
        """Healthy again: what was held by the connection's state becomes due."""
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
        """What a stop keeps of an authorization that has ended, and every other state forgets."""
        if state not in STOPPED_STATES:
            return {"ended_reason": "", "ended_detail": ""}
        return (
            {"ended_reason": self.reason, "ended_detail": self.detail}
            if self.state == "needs_reconnect"
            else {}
        )


CLEARED_FAILURE_COUNTS: Mapping[str, Any] = {  # the counts of a lane over which no call has failed
    "open_until": None,
    "breaker_trips": 0,
    "success_score": 0,
    "failure_score": 0,
    "failed_calls": 0,
    "failing_since": None,
}


class Lane(Scoped):
    """The one narrow row per connection that the pump claims: when it is due, whose turn it is, why it is held."""

    TENANT = "connection__tenant"

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, primary_key=True)
    due_at = models.DateTimeField(null=True, blank=True)
    # of fair queueing: when it was last served, plus 0.25 s for each delivery that it was given; the oldest goes first
    virtual_time = models.DateTimeField(default=timezone.now)
    hold_reason = models.CharField(
        max_length=40, blank=True
    )  # a reason code; empty: it may be claimed
    lease = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    in_flight = models.PositiveSmallIntegerField(default=4)  # calls at the same time
    switched_off_by = models.CharField(
        max_length=12, blank=True, default="", db_default=""
    )  # the scope of the switch that stops it; empty: none does
    position = models.BigIntegerField(
        default=0, db_default=0
    )  # the last that was given to an ordered delivery
    success_score = models.FloatField(
        default=0, db_default=0
    )  # recent calls, since the first that went wrong
    failure_score = models.FloatField(default=0, db_default=0)
    scored_at = models.DateTimeField(null=True, blank=True)
    breaker_trips = models.PositiveSmallIntegerField(
        default=0, db_default=0
    )  # how often in a row the breaker opened
    open_until = models.DateTimeField(
        null=True, blank=True
    )  # then one call probes; empty: the breaker is closed
    failing_since = models.DateTimeField(null=True, blank=True)  # no attempt came through since
    failed_calls = models.PositiveSmallIntegerField(default=0, db_default=0)  # in a row

    class Meta(Scoped.Meta):
        indexes = (
            models.Index(
                fields=("virtual_time",),
                condition=models.Q(due_at__isnull=False),
                name="lanes_by_turn",
            ),
            models.Index(
                fields=("failing_since",),
                condition=models.Q(failing_since__isnull=False),
                name="lanes_failing",
            ),
        )

    def __str__(self) -> str:
        return f"lane of connection {self.connection_id}"

    @staticmethod
    def lock_against_release(ids: Sequence[int]) -> None:
        """Until this transaction ends, nobody may give these lanes back as empty: what it writes is not yet seen.

        Claiming goes on meanwhile. SQLite has one writer at a time, which is enough.
        """
        if database.vendor == "postgresql":
            with database.cursor() as cursor:
                cursor.execute(
                    "SELECT 1 FROM connections_lane WHERE connection_id = ANY(%s) ORDER BY connection_id FOR KEY SHARE",
                    [list(ids)],
                )

    @staticmethod
    def lock(connection_id: int) -> None:
        """Whoever changes a connection and its lane in one transaction locks the lane first, as the pump does.

        Before both comes the credential, where it is changed too: in any other order two of them might wait for each
        other.
        """
        rows = Lane.unscoped.filter(pk=connection_id).select_for_update(no_key=True)
        list(rows.values_list("pk"))

    @staticmethod
    def make_due(ids: Sequence[int], *, now: datetime) -> None:
        """Each at once, or when it is due already."""
        marks, moment = ", ".join(["%s"] * len(ids)), database.ops.adapt_datetimefield_value(now)
        with database.cursor() as cursor:
            cursor.execute(
                f"UPDATE connections_lane SET due_at = %s"
                f" WHERE connection_id IN ({marks}) AND (due_at IS NULL OR due_at > %s)",
                [moment, *ids, moment],
            )
