"""Log chunks: lines of a tenant's operational log, until they are shipped."""

from django.db import models

from hub.db.ids import uuid7
from tenants.models import Tenant
from tenants.scoping import Scoped


class LogChunk(Scoped):
    """Lines of one request, compressed. Its lines have the numbers from `first_line` on.

    The numbers of a tenant's lines have no gaps, so a cursor is one number.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="log_chunks")
    source = models.CharField(max_length=20)  # api, collection or audit
    idempotency_key = models.CharField(max_length=200)
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
            models.UniqueConstraint(fields=("tenant", "first_line"), name="one_chunk_per_line"),
        )
        indexes = (models.Index(fields=("received_at",), name="log_chunks_by_age"),)

    def __str__(self) -> str:
        return f"lines {self.first_line} to {self.first_line + self.line_count - 1}"


class LogPosition(Scoped):
    """How many lines of a tenant's log were received, shipped and dropped."""

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, related_name="log_position")
    next_line = models.PositiveBigIntegerField(default=0)  # the number of the next received line
    shipped_line = models.PositiveBigIntegerField(default=0)  # all lines before it were accepted
    dropped_count = models.PositiveBigIntegerField(default=0)  # beyond the retention, unshipped
    shipped_at = models.DateTimeField(null=True)
    audit_cursor = models.PositiveBigIntegerField(default=0)  # the last audit row that was read
    collection_cursor = models.JSONField(default=dict)  # in the log API of our application

    def __str__(self) -> str:
        return f"log of {self.tenant}"
