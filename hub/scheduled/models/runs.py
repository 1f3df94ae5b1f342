"""Runs: the executions of jobs, one for each job, tenant and slot."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hub.connections.models import Connection
from hub.db.ids import uuid7
from hub.db.state_machine import StateMachine
from hub.scheduled.models.jobs import Job
from tenants.models import Tenant
from tenants.scoping import Scoped


class Run(Scoped, StateMachine):
    """One execution of a job for one tenant. It is leased, and resumes from `cursor`.

    `slot_at` is null for a run that a person or our application requested, and for one that ships
    log lines as they arrive.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        BLOCKED = "blocked", _("Blocked")  # a person must act first
        FINISHED = "finished", _("Finished")
        FAILED = "failed", _("Failed")
        SKIPPED = "skipped", _("Skipped")
        CANCELLED = "cancelled", _("Cancelled")

    OPEN_STATES: ClassVar[tuple[str, ...]] = ("waiting", "running", "blocked")
    TRANSITIONS: ClassVar[Mapping[str, set[str]]] = {
        "waiting": {"running", "blocked", "skipped", "cancelled"},
        "running": {"waiting", "blocked", "finished", "failed", "cancelled"},
        "blocked": {"waiting", "skipped", "failed", "cancelled"},
    }

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="runs")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="runs")
    slot_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    reason = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    # what a person must change while it is blocked: this connection, or a new one of this system
    blocking_connection = models.ForeignKey(
        Connection, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    blocking_system = models.CharField(max_length=40, blank=True, default="", db_default="")
    is_dry = models.BooleanField(default=False)  # it changes nothing
    # by whom, or by the arrival of lines; empty: by its schedule
    requested_by = models.CharField(max_length=200, blank=True)
    due_at = models.DateTimeField()  # slot and offset in the window; later after a failure
    window_ends_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    deadline_missed_at = models.DateTimeField(null=True)  # when that was noticed, and reported
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    cancel_requested_at = models.DateTimeField(null=True)
    cursor = models.JSONField(default=dict)  # where an interrupted run continues
    done_count = models.PositiveBigIntegerField(default=0)  # records, rows or lines
    expected_count = models.PositiveBigIntegerField(null=True)  # null: unknown
    expected_seconds = models.PositiveIntegerField(null=True)  # by the plan of the night
    expected_calls = models.JSONField(default=dict)  # by connector, by the plan of the night
    # by the plan of the night; null: as fast as the quotas allow
    seconds_between_calls = models.FloatField(null=True)
    # units spent by the key of each quota, and calls by "salesforce|calls||"
    calls = models.JSONField(default=dict)
    result = models.JSONField(default=dict)  # by kind
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(fields=("job", "tenant", "slot_at"), name="one_run_per_slot"),
            models.UniqueConstraint(
                fields=("job", "tenant"),
                condition=Q(state="running"),
                name="one_run_at_a_time",
            ),
        )
        indexes = (
            models.Index(
                fields=("due_at",),
                condition=Q(state__in=("waiting", "running", "blocked")),
                name="runs_open",
            ),
            models.Index(
                fields=("job", "tenant"),
                condition=Q(state__in=("waiting", "running", "blocked")),
                name="runs_open_of_pair",
            ),
            models.Index(fields=("tenant", "-id"), name="runs_of_tenant"),
            models.Index(fields=("job", "-id"), name="runs_of_job"),
        )

    def __str__(self) -> str:
        return f"{self.job} at {self.slot_at or self.created_at:%Y-%m-%d %H:%M}"

    def is_late(self, *, now: datetime) -> bool:
        """Return whether the run has missed its deadline."""
        return self.state in self.OPEN_STATES and now > self.deadline_at


class RunLogEntry(Scoped):
    """One line of a run's log: the kind of what happened, with its parameters."""

    TENANT = "run__tenant"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField()
    level = models.CharField(max_length=8)  # info, warning or error
    kind = models.CharField(max_length=40)
    parameters = models.JSONField(default=dict)

    class Meta(Scoped.Meta):
        verbose_name_plural = "run log entries"

    def __str__(self) -> str:
        return f"{self.kind} in {self.run_id}"
