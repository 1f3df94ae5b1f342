"""What the hub wrote to records of other systems, to recognize its own changes in webhooks."""

from django.db import models

from hub.connections.models import Connection
from hub.db.exact_json import ExactJSONField
from tenants.scoping import Scoped


class RememberedWrite(Scoped):
    """What one delivery writes to a record; stored before it is sent, and kept for two days.

    No foreign key refers to the delivery, so that pruning is not delayed.
    """

    TENANT = "connection__tenant"

    delivery_id = models.BigIntegerField(primary_key=True)
    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="remembered_writes", db_index=False
    )
    object = models.CharField(max_length=80)  # in our word, as in the types of received events
    record = models.CharField(max_length=200, blank=True)  # empty: created, and not settled yet
    # whether the record is created, updated or deleted by it; empty: that shows in the answer only
    change = models.CharField(max_length=10, blank=True, default="", db_default="")
    fields = ExactJSONField()  # the written values
    is_forwarded = models.BooleanField()  # its event came from another system
    # attempts that may have arrived; none if the system does not report the change
    expected_echoes = models.PositiveSmallIntegerField(default=1)
    echo_count = models.PositiveSmallIntegerField(default=0)
    is_pair_due = models.BooleanField(default=False)  # the pair of records is not stored yet
    written_at = models.DateTimeField()
    # between which times the record was changed by it, by the system's clock; null: not known
    changed_from = models.DateTimeField(null=True, blank=True)
    changed_until = models.DateTimeField(null=True, blank=True)
    # digest of the state of the record that was published last after it
    published_state = models.CharField(max_length=32, blank=True, default="", db_default="")
    # digest of the state of the record that its echo told
    echo_state = models.CharField(max_length=32, blank=True, default="", db_default="")

    class Meta(Scoped.Meta):
        indexes = (
            models.Index(fields=("connection", "object", "record"), name="writes_of_record"),
            models.Index(
                fields=("delivery_id",),
                condition=models.Q(is_pair_due=True),
                name="writes_without_pair",
            ),
            models.Index(
                fields=("connection", "object"),
                condition=models.Q(change="created", expected_echoes__gt=1),
                name="repeated_creations",
            ),
            models.Index(fields=("written_at",), name="writes_by_age"),
        )

    def __str__(self) -> str:
        return f"{self.object} {self.record or 'created'}"
