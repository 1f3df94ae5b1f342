"""The row of a connection that the pump claims."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection as database
from django.db import models
from django.utils import timezone

from hub.processes.leases import RowLeases
from tenants.scoping import Scoped

CLEARED_FAILURE_COUNTS: Mapping[str, Any] = {  # the counts of a lane over which no call has failed
    "open_until": None,
    "breaker_trips": 0,
    "success_score": 0,
    "failure_score": 0,
    "failed_calls": 0,
    "failing_since": None,
}


class Lane(Scoped):
    """The narrow row per connection that the pump claims: due time, virtual time, hold reason."""

    TENANT = "connection__tenant"

    connection = models.OneToOneField(
        "connections.Connection", on_delete=models.CASCADE, primary_key=True
    )
    due_at = models.DateTimeField(null=True, blank=True)
    # of fair queueing: last service plus 0.25 s per claimed delivery; the smallest is claimed first
    virtual_time = models.DateTimeField(default=timezone.now)
    # a reason code; empty: it may be claimed
    hold_reason = models.CharField(max_length=40, blank=True)
    lease = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    in_flight = models.PositiveSmallIntegerField(default=4)  # calls at the same time
    # the level of the kill switch that stops it; empty: none does
    switched_off_by = models.CharField(max_length=12, blank=True, default="", db_default="")
    # the last position that was assigned to an ordered delivery
    position = models.BigIntegerField(default=0, db_default=0)
    # recent successful calls, since the first failure
    success_score = models.FloatField(default=0, db_default=0)
    failure_score = models.FloatField(default=0, db_default=0)
    scored_at = models.DateTimeField(null=True, blank=True)
    # how often in a row the circuit breaker opened
    breaker_trips = models.PositiveSmallIntegerField(default=0, db_default=0)
    # when one call probes; empty: the breaker is closed
    open_until = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)  # no attempt has succeeded since
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
        """Prevent pumps from releasing these lanes as empty, until this transaction has committed.

        Claims are not blocked. On SQLite nothing is needed: only one connection writes at a time.
        """
        if database.vendor == "postgresql":
            with database.cursor() as cursor:
                cursor.execute(
                    "SELECT 1 FROM connections_lane WHERE connection_id = ANY(%s)"
                    " ORDER BY connection_id FOR KEY SHARE",
                    [list(ids)],
                )

    @staticmethod
    def lock(connection_id: int) -> None:
        """Lock the lane, before its connection if a transaction changes both.

        A credential that is changed too is locked before both. The pump locks in this order: any
        other order can deadlock.
        """
        rows = Lane.unscoped.filter(pk=connection_id).select_for_update(no_key=True)
        list(rows.values_list("pk"))

    @staticmethod
    def make_due(ids: Sequence[int], *, now: datetime) -> None:
        """Make lanes due now, unless they are due earlier."""
        marks, moment = ", ".join(["%s"] * len(ids)), database.ops.adapt_datetimefield_value(now)
        with database.cursor() as cursor:
            cursor.execute(
                f"UPDATE connections_lane SET due_at = %s"
                f" WHERE connection_id IN ({marks}) AND (due_at IS NULL OR due_at > %s)",
                [moment, *ids, moment],
            )


LANE_LEASES = RowLeases(Lane, timedelta(seconds=12))
