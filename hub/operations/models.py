"""Operations: work on many rows that a person plans, confirms, follows and may cancel."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import models

from hub.audit import Actor
from hub.db.exact_json import ExactJSONField
from hub.db.ids import uuid7
from hub.db.state_machine import StateMachine
from tenants.models import Tenant
from tenants.scoping import Scoped

PLAN_VALID_FOR = timedelta(minutes=15)  # an older plan is not run: its rows may have changed
# Facts of an operation that was confirmed on another page, as disconnecting a connection is.
PLAN_DEFAULTS: Mapping[str, Any] = {
    "oldest": None,
    "tenants": 1,
    "connections": [],
    "other_connections": 0,
    "seconds": 0,
    "possibly_delivered": 0,
    "doubles": 0,
    "sample": [],
}
END_STATES = {"finished", "cancelled", "failed"}


class Operation(Scoped, StateMachine):
    """One action on many rows of a tenant, or of all tenants if `tenant` is None.

    `cursor` is the last row that was examined, `last` the last row at planning: newer rows are not
    changed.
    """

    class State(models.TextChoices):
        PLANNED = "planned"
        RUNNING = "running"
        FINISHED = "finished"
        CANCELLED = "cancelled"
        FAILED = "failed"

    # planned -> running -> finished; a person may cancel it, an error of the hub fails it
    TRANSITIONS: ClassVar[Mapping[str, set[str]]] = {
        "planned": {"running", "cancelled"},
        "running": {"finished", "cancelled", "failed"},
    }

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, null=True, related_name="operations"
    )
    kind = models.CharField(max_length=20)  # a key of BATCH_FUNCTIONS
    filter = ExactJSONField(default=dict)
    # rows that only the platform changes
    includes_platform = models.BooleanField(default=False, db_default=False)
    reason = models.CharField(max_length=300)
    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    detail = models.CharField(max_length=300, blank=True)  # why it failed
    plan = ExactJSONField(default=dict)  # what the person confirms
    count = models.PositiveIntegerField()  # rows, as planned
    more = models.BooleanField(default=False)  # there were more than were counted
    cursor = models.BigIntegerField(default=0)
    last = models.BigIntegerField(default=0)
    processed_count = models.PositiveIntegerField(default=0)
    excluded_count = models.PositiveIntegerField(default=0)  # examined, and no longer possible
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=100)
    actor_label = models.CharField(max_length=200)
    planned_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)  # of the latest batch
    finished_at = models.DateTimeField(null=True)

    class Meta(Scoped.Meta):
        indexes = (
            models.Index(
                fields=("actor_kind", "actor_id", "-planned_at"), name="operations_of_an_actor"
            ),
            models.Index(
                fields=("heartbeat_at",),
                condition=models.Q(state="running"),
                name="operations_running",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} of {self.count:,}{'+' if self.more else ''}"

    @property
    def facts(self) -> dict[str, Any]:
        """The facts of the plan, with defaults."""
        return {**PLAN_DEFAULTS, **self.plan}

    @property
    def actor(self) -> Actor:
        return Actor(self.actor_kind, self.actor_id, self.actor_label)

    @property
    def is_ended(self) -> bool:
        return self.state in END_STATES

    @property
    def examined_count(self) -> int:
        return self.processed_count + self.excluded_count

    @property
    def rows_left(self) -> int | None:
        """Rows that may still be changed, of the confirmed ones; None if they were not counted."""
        return None if self.more else max(0, self.count - self.examined_count)

    @property
    def percent(self) -> int:
        if self.state == "finished":
            return 100
        return min(99, 100 * self.examined_count // self.count) if self.count else 0

    def is_expired(self, *, now: datetime) -> bool:
        return self.state == "planned" and now - self.planned_at > PLAN_VALID_FOR

    def seconds_left(self, *, now: datetime) -> int | None:
        """Estimated seconds until the end, by the pace so far; None if there is none yet."""
        if (
            self.state != "running"
            or not self.examined_count
            or self.rows_left is None
            or self.started_at is None
        ):
            return None
        return round((now - self.started_at).total_seconds() / self.examined_count * self.rows_left)

    def counts(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "planned": self.count,
            "done": self.processed_count,
            "excluded_count": self.excluded_count,
        }
