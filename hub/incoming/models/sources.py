"""Sources: the kinds of record whose changes a connection reports; their rhythms and canaries."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hub.connections.models import Connection
from hub.db.ids import uuid7
from tenants.models import Tenant
from tenants.scoping import Scoped


class InboundSource(Scoped):
    """One object of a connection whose changes routes want, with the proofs that they arrive.

    `object` is the first part of its event types, such as *person*; empty where the sender chooses
    the types. The times are those of the last proof of each kind. A source that no route wants any
    more is retired.
    """

    class State(models.TextChoices):
        LISTENING = "listening", _("Listening")
        QUIET = "quiet", _("Quiet")  # so long a silence asks for other evidence
        SILENT = "silent", _("Silent")

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False)
    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="sources", db_index=False
    )
    object = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.LISTENING)
    reason = models.CharField(max_length=40, blank=True)
    state_changed_at = models.DateTimeField(default=timezone.now)
    heard_at = models.DateTimeField(null=True)  # its newest item
    canary_heard_at = models.DateTimeField(null=True)
    listed_at = models.DateTimeField(null=True)  # a check found its registration as it should be
    read_until = models.DateTimeField(null=True)  # a read found all changes up to here
    looked_at = models.DateTimeField(null=True)  # when evidence was last asked for
    retired_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(fields=("connection", "object"), name="one_source_per_object"),
        )
        indexes = (
            models.Index(fields=("tenant", "-id"), name="sources_of_tenant"),
            models.Index(
                fields=("state",), condition=~Q(state="listening"), name="sources_not_listening"
            ),
        )

    def __str__(self) -> str:
        return f"{self.object or 'webhooks'} of {self.connection}"


class SourceRhythm(Scoped):
    """How often events of one type of a connection arrive, by the hour of the week.

    `profile` holds the 168 rates, in events an hour of the tenant's time zone, as 32-bit floats;
    null while there is too little history.
    """

    TENANT = "source__tenant"

    source = models.ForeignKey(InboundSource, on_delete=models.CASCADE, related_name="rhythms")
    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    type = models.CharField(max_length=120)  # as items have it, with the connector's key
    first_day = models.DateField()  # in UTC, from which on its items are counted
    last_item_at = models.DateTimeField()
    learned_at = models.DateTimeField(null=True)
    weeks = models.PositiveSmallIntegerField(default=0)  # from which it was learned
    per_month = models.FloatField(default=0.0)  # events
    worst = models.FloatField(default=0.0)  # the longest silence that was normal, in events
    is_weekly = models.BooleanField(default=False)  # weekends are quieter
    is_fading = models.BooleanField(default=False)  # it had far fewer events in the last week
    profile = models.BinaryField(max_length=672, null=True)
    # from when on a silence asks for evidence, and from when on it is improbable; null: never
    quiet_at = models.DateTimeField(null=True)
    silent_at = models.DateTimeField(null=True)

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(fields=("connection", "type"), name="one_rhythm_per_type"),
        )
        indexes = (
            models.Index(
                fields=("quiet_at",), condition=Q(quiet_at__isnull=False), name="rhythms_to_judge"
            ),
            models.Index(fields=("learned_at",), name="rhythms_to_learn"),
            models.Index(fields=("source",), condition=Q(is_fading=True), name="rhythms_fading"),
        )

    def __str__(self) -> str:
        return f"rhythm of {self.type} of {self.connection}"


def _count_field() -> "models.PositiveIntegerField[int, int]":
    return models.PositiveIntegerField(default=0)


class RhythmDay(Scoped):
    """How many items of a rhythm arrived in each hour of a day in UTC."""

    TENANT = "rhythm__source__tenant"

    rhythm = models.ForeignKey(
        SourceRhythm, on_delete=models.CASCADE, related_name="days", db_index=False
    )
    day = models.DateField()
    h00, h01, h02, h03 = _count_field(), _count_field(), _count_field(), _count_field()
    h04, h05, h06, h07 = _count_field(), _count_field(), _count_field(), _count_field()
    h08, h09, h10, h11 = _count_field(), _count_field(), _count_field(), _count_field()
    h12, h13, h14, h15 = _count_field(), _count_field(), _count_field(), _count_field()
    h16, h17, h18, h19 = _count_field(), _count_field(), _count_field(), _count_field()
    h20, h21, h22, h23 = _count_field(), _count_field(), _count_field(), _count_field()

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(fields=("rhythm", "day"), name="one_row_per_rhythm_and_day"),
        )
        indexes = (models.Index(fields=("day",), name="rhythm_days_by_day"),)

    def __str__(self) -> str:
        return f"{self.day} of {self.rhythm}"


class RhythmPosition(models.Model):
    """Up to which item the rhythms count; one row."""

    item_id = models.BigIntegerField()
    counted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"counted up to item {self.item_id}"


class SourceCanary(Scoped):
    """A change that the hub causes itself at the system, and whose webhook it waits for.

    `mark` is the random text by which the webhook is recognized; it is new for each change.
    """

    class State(models.TextChoices):
        OFF = "off", _("Off")
        IDLE = "idle", _("Idle")
        WAITING = "waiting", _("Waiting")
        LATE = "late", _("Late")
        REFUSED = "refused", _("Refused")

    TENANT = "source__tenant"

    source = models.OneToOneField(InboundSource, on_delete=models.CASCADE, related_name="canary")
    is_on = models.BooleanField(default=False)
    interval_seconds = models.PositiveIntegerField(default=3600)
    # the id of the record that it changes, when that was made, and the one before it
    record = models.CharField(max_length=200, blank=True)
    made_at = models.DateTimeField(null=True)
    former_record = models.CharField(max_length=200, blank=True)
    mark = models.CharField(max_length=60, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.OFF)
    reason = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    sent_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)
    round_trip_ms = models.PositiveIntegerField(null=True)
    failure_count = models.PositiveSmallIntegerField(default=0)  # in a row
    # those of the last day: when each was heard or missed, and its milliseconds; null: missed
    rounds = models.JSONField(default=list)

    class Meta(Scoped.Meta):
        indexes = (
            models.Index(
                fields=("due_at",), condition=Q(due_at__isnull=False), name="canaries_due"
            ),
        )

    def __str__(self) -> str:
        return f"canary of {self.source}"
