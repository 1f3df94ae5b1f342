"""Log chunks: lines of a tenant's operational log, until they are shipped."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from hub.db.ids import uuid7
from hub.scheduled.models.jobs import Job
from hub.scheduled.models.runs import Run
from tenants.models import Tenant
from tenants.scoping import Scoped


class LogSource(models.TextChoices):
    """The origin of lines. Each source of a tenant is a separate log."""

    API = "api", _("Sent to the API")
    COLLECTION = "collection", _("Read from our application")
    AUDIT = "audit", _("Audit log of the hub")


class LogChunk(Scoped):
    """The lines of one request, compressed, numbered from `first_line`.

    The lines of a log are numbered without gaps, so a cursor is one number. `body`: see
    `hub.scheduled.log_intake.lines.pack_lines`.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="log_chunks")
    source = models.CharField(max_length=20, choices=LogSource)
    idempotency_key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)  # SHA-256 of the lines, for a repeated request
    first_line = models.PositiveBigIntegerField()
    line_count = models.PositiveIntegerField()
    size = models.PositiveIntegerField()  # bytes of the lines, uncompressed
    body = models.BinaryField()
    received_at = models.DateTimeField()

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "source", "idempotency_key"), name="one_chunk_per_key"
            ),
            models.UniqueConstraint(
                fields=("tenant", "source", "first_line"), name="one_chunk_per_line"
            ),
        )
        indexes = (models.Index(fields=("received_at",), name="log_chunks_by_age"),)

    def __str__(self) -> str:
        return f"lines {self.first_line} to {self.first_line + self.line_count - 1}"


class Log(Scoped):
    """The numbering of one tenant's lines from one source, and how far the source was read."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="logs")
    source = models.CharField(max_length=20, choices=LogSource, default=LogSource.API)
    next_line = models.PositiveBigIntegerField(default=0)  # the number of the next received line
    received_at = models.DateTimeField(null=True)  # the newest line
    read_cursor = models.JSONField(default=dict)  # in the log of our application, or the audit log

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(fields=("tenant", "source"), name="one_log_per_source"),
        )

    def __str__(self) -> str:
        return f"log of {self.tenant} ({self.source})"


class LogPosition(Scoped):
    """The numbers of the lines of a log that one job shipped, and those rejected and dropped.

    `run` is the run that ships: one at a time for each position. `batches` are those that wait for
    their acknowledgement, oldest first. A log that no job ships has a position without a job, which
    the first job takes.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="log_positions")
    log = models.ForeignKey(Log, on_delete=models.CASCADE, related_name="positions")
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="log_positions")
    first_line = models.PositiveBigIntegerField(default=0)  # where the job began
    # all lines before it were accepted, rejected or dropped
    shipped_line = models.PositiveBigIntegerField(default=0)
    dropped_count = models.PositiveBigIntegerField(default=0)  # beyond the retention, unshipped
    rejected_count = models.PositiveBigIntegerField(default=0)  # by the system, each alone
    shipped_at = models.DateTimeField(null=True)
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="+")
    batches = models.JSONField(default=list)

    class Meta(Scoped.Meta):
        constraints = (models.UniqueConstraint(fields=("log", "job"), name="one_position_per_job"),)

    def __str__(self) -> str:
        return str(self.log)
