"""Where deliveries wait for a quota: a queue for each connection and set of scopes, first in, first out."""

import hashlib
from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import models, transaction

from hub.connections.models.connections import Connection, Lane
from tenants.scoping import Scoped


class QuotaQueue(Scoped):
    """Deliveries of one connection that spend the same scopes and wait for one of them.

    The pump takes nothing of it before `opens_at`, and at most `width` deliveries at a time. Who waits says so in
    `Delivery.quota_queue`; nothing points here by foreign key, so that an empty queue can be deleted at any time.
    """

    TENANT = "connection__tenant"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="quota_queues", db_index=False)
    background = models.BooleanField(default=False)  # of work that leaves room for live work
    digest = models.CharField(max_length=64)  # of the scopes
    scopes = models.JSONField(default=list)  # the keys of all that each of its deliveries spends
    closed = models.JSONField(default=list)  # those that were closed when it was last looked at
    opens_at = models.DateTimeField()
    width = models.PositiveIntegerField(default=1)

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(fields=("connection", "background", "digest"), name="one_queue_per_scopes"),
        )

    def __str__(self) -> str:
        return f"queue of connection {self.connection_id} for {', '.join(self.scopes)}"

    @property
    def key(self) -> tuple[int, bool, str]:
        return self.connection_id, self.background, self.digest

    @classmethod
    def reopen(cls, keys: Collection[str], *, now: datetime) -> None:
        """These scopes are open again, before it was expected: what waits for them need not wait any longer."""
        later = cls.unscoped.filter(opens_at__gt=now)
        queues = [queue for queue in later if not set(keys).isdisjoint(queue.closed)]
        if queues:
            with transaction.atomic():
                rows = cls.unscoped.filter(pk__in=[queue.pk for queue in queues])
                ordered = rows.order_by("connection_id", "background", "digest")  # as a pump writes them
                list(ordered.select_for_update().values_list("pk"))
                rows.update(opens_at=now)
            Lane.make_due(sorted({queue.connection_id for queue in queues}), now=now)


def digest_of(scopes: Iterable[str]) -> str:
    """What names a queue within its connection: names of scopes may be of any length."""
    return hashlib.sha256("\n".join(sorted(scopes)).encode()).hexdigest()
