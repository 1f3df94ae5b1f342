"""Where deliveries wait for a quota: a queue for each connection and set of scopes, first in, first out."""

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

    The pump takes nothing of it before `opens_at`, and at most `width` deliveries at a time. Who waits says so in
    `Delivery.quota_queue`; nothing points here by foreign key, so that an empty queue can be deleted at any time.
    """

    TENANT = "connection__tenant"

    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="quota_queues", db_index=False
    )
    low_priority = models.BooleanField(default=False)  # of work that leaves room for live work
    digest = models.CharField(max_length=64)  # of the scopes
    scopes = models.JSONField(default=list)  # the keys of all that each of its deliveries spends
    closed = models.JSONField(default=list)  # those that were closed when it was last looked at
    opens_at = models.DateTimeField()
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
        """These scopes are open again, before it was expected: what waits for them need not wait any longer."""
        waiting = cls.unscoped.filter(waits_for_any(keys), opens_at__gt=now)
        with transaction.atomic():
            ordered = waiting.order_by(
                "connection_id", "low_priority", "digest"
            )  # as a pump writes them
            lanes = dict(ordered.select_for_update().values_list("pk", "connection_id"))
            if lanes:
                cls.unscoped.filter(pk__in=lanes).update(opens_at=now)
        if lanes:
            Lane.make_due(sorted(set(lanes.values())), now=now)


def waits_for_any(keys: Collection[str]) -> models.Q | RawSQL:
    """The queues for which one of these scopes was closed when they were last looked at; the database finds them."""
    if database.vendor == "postgresql":
        return models.Q(closed__has_any_keys=list(keys))
    marks = ", ".join(["%s"] * len(keys))
    return RawSQL(
        f"EXISTS (SELECT 1 FROM json_each(connections_quotaqueue.closed) AS scope WHERE scope.value IN ({marks}))",
        list(keys),
        output_field=models.BooleanField(),
    )


def digest_scopes(scopes: Iterable[str]) -> str:
    """What names a queue within its connection: names of scopes may be of any length."""
    return hashlib.sha256("\n".join(sorted(scopes)).encode()).hexdigest()
