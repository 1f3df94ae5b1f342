"""Discrepancies: differences between our records and another system's, over nights."""

from collections.abc import Mapping
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hub.connections.models import Connection
from hub.db.exact_json import ExactJSONField
from hub.db.ids import uuid7
from hub.db.state_machine import StateMachine
from hub.outgoing.models import Delivery
from hub.scheduled.models.jobs import Job
from hub.scheduled.models.runs import Run
from tenants.models import Tenant
from tenants.scoping import Scoped

FOUND_BY_RUNS_LENGTH = 220  # ten keys of runs at least
LOCAL, REMOTE = "local", "remote"  # our application, the other system


class Discrepancy(Scoped, StateMachine):
    """One difference that a job's runs found in a record, or in one of its fields.

    The row is kept over nights and identified by `record_key` and `field`. `field` is "" if the
    whole record is concerned.
    """

    class Verdict(models.TextChoices):
        MISSING_HERE = "missing_here", _("Missing here")
        MISSING_THERE = "missing_there", _("Missing there")
        DIFFERS = "differs", _("Differs")
        AMBIGUOUS = "ambiguous", _("Ambiguous")
        UNMAPPED = "unmapped", _("Unmapped")

    class State(models.TextChoices):
        NEW = "new", _("New")
        OPEN = "open", _("Still there")
        REPAIRING = "repairing", _("Being repaired")
        RESOLVED = "resolved", _("Resolved")
        IGNORED = "ignored", _("Ignored")

    TRANSITIONS: ClassVar[Mapping[str, set[str]]] = {
        "new": {"open", "repairing", "resolved", "ignored"},
        "open": {"repairing", "resolved", "ignored"},
        "repairing": {"open", "resolved"},
        "ignored": {"open", "resolved"},
        "resolved": {"new"},
    }

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="discrepancies")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="discrepancies")
    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="discrepancies"
    )
    record_key = models.CharField(max_length=200)  # by which both sides were matched
    field = models.CharField(max_length=80, blank=True)  # as the job's options name it
    verdict = models.CharField(max_length=16, choices=Verdict)
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    reason = models.CharField(max_length=40, blank=True)  # why it is not repaired
    detail = models.CharField(max_length=500, blank=True)
    owner = models.CharField(max_length=12, blank=True)  # of the field: whose value is right
    local_id = models.CharField(max_length=200, blank=True)
    remote_id = models.CharField(max_length=200, blank=True)
    local_value = ExactJSONField(null=True)
    remote_value = ExactJSONField(null=True)
    local_version = models.CharField(max_length=200, blank=True)  # an ETag, or a time of change
    remote_version = models.CharField(max_length=200, blank=True)
    local_changed_at = models.DateTimeField(null=True)
    remote_changed_at = models.DateTimeField(null=True)
    first_run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="+")
    last_run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="+")
    # keys of the last runs that found it, the newest first, such as ",17,16,"
    found_by_runs = models.CharField(max_length=FOUND_BY_RUNS_LENGTH, blank=True, db_default="")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    ignored_reason = models.CharField(max_length=300, blank=True)
    # of the values when it was ignored; other values end that
    ignored_digest = models.CharField(max_length=64, blank=True)
    repair_side = models.CharField(max_length=6, blank=True)  # the side that is changed
    repair_delivery = models.ForeignKey(
        Delivery, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    repair_requested_at = models.DateTimeField(null=True)
    read_again_at = models.DateTimeField(null=True)  # after a delivery; null: at once
    replaced_value = ExactJSONField(null=True)  # the value before the repair
    repaired_at = models.DateTimeField(null=True)

    class Meta(Scoped.Meta):
        verbose_name_plural = "discrepancies"
        constraints = (
            models.UniqueConstraint(
                fields=("job", "tenant", "record_key", "field"), name="one_discrepancy"
            ),
        )
        indexes = (
            models.Index(fields=("tenant", "-id"), name="discrepancies_of_tenant"),
            models.Index(
                fields=("job", "tenant", "verdict", "field"),
                condition=~Q(state="resolved"),
                name="discrepancies_open",
            ),
            models.Index(
                fields=("repair_delivery",),
                condition=Q(state="repairing"),
                name="discrepancies_repairing",
            ),
        )

    def __str__(self) -> str:
        return f"{self.record_key} {self.field or self.get_verdict_display()}"


class StagedRecord(models.Model):
    """A record that a reconciliation has read, until it is compared.

    `key` is compared by its bytes, so that both databases sort alike.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+", db_index=False)
    is_local = models.BooleanField()
    # 0: of the first read; greater: of a later read of what had changed
    round = models.PositiveSmallIntegerField(default=0, db_default=0)
    key = models.BinaryField(max_length=800)
    body = models.BinaryField()  # the compared values, ids, version and time of change, as JSON

    class Meta:
        indexes = (models.Index(fields=("run", "is_local", "key"), name="staged_records_sorted"),)

    def __str__(self) -> str:
        return f"{bytes(self.key)!r} of run {self.run_id}"
