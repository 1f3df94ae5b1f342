"""Queues of deliveries that wait for a quota: one per connection and set of scopes, FIFO."""

import hashlib
from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import connection as database
from django.db import models, transaction
from django.db.models.expressions import RawSQL

from hub.connections.models.connections import Connection, Lane
from tenants.scoping import Scoped


class QuotaQueue(Scoped):
    """Deliveries of one connection that spend the same scopes and wait for one of them.

    The pump claims none of them before `opens_at`, and at most `width` at a time.
    `Delivery.quota_queue` stores the id without a foreign key, so an empty queue can be deleted.
    """

    TENANT = "connection__tenant"

    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="quota_queues", db_index=False
    )
    # whether it holds low-priority deliveries only
    low_priority = models.BooleanField(default=False)
    digest = models.CharField(max_length=64)  # of the scopes
    scopes = models.JSONField(default=list)  # the keys of all scopes that each delivery spends
    closed = models.JSONField(default=list)  # the scopes that were closed at the last check
    opens_at = models.DateTimeField()
    # deliveries at a time
    width = models.PositiveIntegerField(default=1)

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("connection", "low_priority", "digest"), name="one_queue_per_scopes"
            ),
        )

    def __str__(self) -> str:
        return f"queue of connection {self.connection_id} for {', '.join(self.scopes)}"

    @property
    def key(self) -> tuple[int, bool, str]:
        return self.connection_id, self.low_priority, self.digest

    @classmethod
    def reopen(cls, keys: Collection[str], *, now: datetime) -> None:
        """Open the queues that wait for these scopes, as the scopes are available early."""
        waiting = cls.unscoped.filter(build_waiting_condition(keys), opens_at__gt=now)
        with transaction.atomic():
            # as a pump writes them
            ordered = waiting.order_by("connection_id", "low_priority", "digest")
            lanes = dict(ordered.select_for_update().values_list("pk", "connection_id"))
            if lanes:
                cls.unscoped.filter(pk__in=lanes).update(opens_at=now)
        if lanes:
            Lane.make_due(sorted(set(lanes.values())), now=now)


def build_waiting_condition(keys: Collection[str]) -> models.Q | RawSQL:
    """Return the Q condition for queues that waited for one of these scopes at the last check."""
    if database.vendor == "postgresql":
        return models.Q(closed__has_any_keys=list(keys))
    marks = ", ".join(["%s"] * len(keys))
    return RawSQL(
        "EXISTS (SELECT 1 FROM json_each(connections_quotaqueue.closed) AS scope"
        f" WHERE scope.value IN ({marks}))",
        list(keys),
        output_field=models.BooleanField(),
    )


def digest_scopes(scopes: Iterable[str]) -> str:
    """Return the digest that identifies a queue within its connection, for any number of scopes."""
    return hashlib.sha256("\n".join(sorted(scopes)).encode()).hexdigest()
