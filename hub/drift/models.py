"""Schema drift: baselines, schedules and findings."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from connectors.object_schemas import SchemaField
from hub.connections.models import Connection
from hub.db.ids import uuid7
from hub.schemas.models import load_fields
from tenants.scoping import Scoped


class DriftSchedule(Scoped):
    """The time of the next check of the objects that a connection's mappings and jobs use."""

    TENANT = "connection__tenant"

    connection = models.OneToOneField(
        Connection, on_delete=models.CASCADE, related_name="drift_schedule"
    )
    check_at = models.DateTimeField()
    # the last check looked for used objects at this time
    planned_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)  # the last check that read all of them
    failure_count = models.PositiveSmallIntegerField(default=0)  # checks in a row
    failure = models.CharField(max_length=60, blank=True)  # a reason code
    failure_detail = models.CharField(max_length=300, blank=True)

    class Meta(Scoped.Meta):
        indexes = (models.Index(fields=("check_at",), name="drift_checks_due"),)

    def __str__(self) -> str:
        return str(self.connection)


class SchemaBaseline(Scoped):
    """The fields of a used object with which its schema is compared.

    Stored as they were read last, except the fields of open findings, which are kept as before.
    """

    TENANT = "connection__tenant"

    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="schema_baselines"
    )
    object_key = models.CharField(max_length=120)
    label = models.CharField(max_length=200)
    fields = models.JSONField()  # as in ObjectSchema
    compared_at = models.DateTimeField()  # changes with each comparison
    failed_at = models.DateTimeField(null=True)  # a later read failed; null: none did
    failure = models.CharField(max_length=60, blank=True)
    failure_detail = models.CharField(max_length=300, blank=True)

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("connection", "object_key"), name="one_schema_baseline"
            ),
        )

    def __str__(self) -> str:
        return self.label or self.object_key

    @property
    def schema_fields(self) -> tuple[SchemaField, ...]:
        return load_fields(self.fields)


class DriftFinding(Scoped):
    """A change of one field, or of a whole object, that will break mappings, routes or jobs."""

    TENANT = "connection__tenant"

    class Change(models.TextChoices):
        RENAMED = "renamed", _("Renamed")
        REMOVED = "removed", _("Removed")
        RETYPED = "retyped", _("Type changed")
        NEWLY_REQUIRED = "newly_required", _("Newly required")
        PICKLIST_VALUE_GONE = "picklist_value_gone", _("Value removed")
        OBJECT_REMOVED = "object_removed", _("Object removed")

    # a removed field may turn out to be renamed: it is the same finding
    GONE: ClassVar = (Change.RENAMED, Change.REMOVED)

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="drift_findings"
    )
    object_key = models.CharField(max_length=120)
    object_label = models.CharField(max_length=200)
    field_key = models.CharField(max_length=200)  # empty: of the whole object
    field_label = models.CharField(max_length=200)
    change = models.CharField(max_length=20, choices=Change)
    # the type, the value, or the key before the change, and after it
    before = models.CharField(max_length=255, blank=True)
    after = models.CharField(max_length=255, blank=True)
    # what will fail: a list of {"kind": "route" or "job", "id", "name", "is_enabled"}, of a route
    # also {"mapping_id", "mapping_name"}, of a job {"job_kind"}. Of a route of events that the
    # system sends `is_source` is true; `reads` is [{"path", "places"}] of what it reads of them
    breaks = models.JSONField(default=list)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    noticed_at = models.DateTimeField(null=True)  # when the tenant's people were notified
    resolved_at = models.DateTimeField(null=True)

    class Meta(Scoped.Meta):
        verbose_name = "finding of schema drift"
        verbose_name_plural = "schema drift"
        constraints = (
            models.UniqueConstraint(
                fields=("connection", "object_key", "field_key", "change", "before"),
                condition=Q(resolved_at=None),
                name="one_open_drift_finding",
            ),
        )
        indexes = (
            models.Index(
                fields=("connection", "-id"),
                condition=Q(resolved_at=None),
                name="drift_findings_open",
            ),
            models.Index(fields=("connection", "-id"), name="drift_findings_all"),
        )

    def __str__(self) -> str:
        return ".".join(filter(None, (self.object_key, self.field_key)))

    @property
    def title(self) -> str:
        """Return object and field, as the external system names them."""
        names = (self.object_label, self.field_label or self.field_key)
        return " · ".join(name for name in names if name)

    @property
    def state(self) -> str:
        return "open" if self.resolved_at is None else "resolved"

    @property
    def enabled_breaks(self) -> list[dict[str, Any]]:
        return [entry for entry in self.breaks if entry["is_enabled"]]
