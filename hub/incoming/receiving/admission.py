"""Admission control: limit the webhooks in progress, and the backlog."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet

from hub.db.outages import DATABASE_ERRORS
from hub.incoming.models import InboundMessage
from hub.problems import Problem
from hub.shared_budget import BudgetExhausted, SharedBudget

REQUESTS_IN_PROGRESS_MAX = 1000  # webhook requests of one web process
BACKLOG_COUNT_AGE_MAX = timedelta(seconds=1)  # how old the counted backlog may be
RETRY_AFTER = {"Retry-After": "5"}  # seconds

IN_PROGRESS = SharedBudget(REQUESTS_IN_PROGRESS_MAX)


@contextmanager
def admit_request() -> Iterator[None]:
    """Count a webhook request as in progress.

    Raises Problem (503) beyond REQUESTS_IN_PROGRESS_MAX, and if the database connection is lost:
    then nothing was acknowledged, so the system tries again.
    """
    try:
        IN_PROGRESS.acquire(1)
    except BudgetExhausted:
        raise Problem("overloaded", headers=RETRY_AFTER) from None
    try:
        yield
    except DATABASE_ERRORS as error:
        raise Problem("temporarily-unavailable", headers=RETRY_AFTER) from error
    finally:
        IN_PROGRESS.release(1)


@dataclass(slots=True)
class Backlog:
    """Whether the inbox has reached HUB_INBOX_BACKLOG messages; counted once a second.

    `dominant_tenants` and `dominant_shares`: the tenant and the account to which more than half of
    the backlog belongs.
    """

    counted_at: datetime | None = None
    is_full: bool = False
    dominant_tenants: frozenset[int] = frozenset()
    dominant_shares: frozenset[str] = frozenset()

    def refuse_if_full(self, *, now: datetime) -> None:
        """Raise Problem (503) if the backlog is full; the system then tries again."""
        self.count_if_due(now=now)
        self.refuse_if_counted_full()

    def count_if_due(self, *, now: datetime) -> None:
        """Count the backlog if that was not done within the last second."""
        if self.is_count_due(now=now):
            self.counted_at = now
            self._count(settings.HUB_INBOX_BACKLOG)

    def is_count_due(self, *, now: datetime) -> bool:
        return self.counted_at is None or abs(now - self.counted_at) >= BACKLOG_COUNT_AGE_MAX

    def refuse_if_counted_full(self) -> None:
        """Raise Problem (503) if the backlog was full when it was counted."""
        if self.is_full:
            raise Problem("overloaded", headers=RETRY_AFTER)

    def refuse_dominant(self, message: InboundMessage) -> None:
        """Raise Problem (503) if the tenant or account of a message has more than half of the
        backlog, for the others.
        """
        is_dominant = message.tenant_id in self.dominant_tenants
        if is_dominant or message.share_key in self.dominant_shares:
            raise Problem("overloaded", headers=RETRY_AFTER)

    def _count(self, limit: int) -> None:
        """Count in one query; in three more if more than half of the limit is used."""
        waiting, half = InboundMessage.unscoped.filter(due_at__isnull=False), limit // 2
        if not waiting.values("pk")[half : half + 1].exists():
            self.is_full, self.dominant_tenants = False, frozenset()
            self.dominant_shares = frozenset()
            return
        self.is_full = waiting.values("pk")[limit - 1 : limit].exists()
        # the messages of a URL of all tenants have none yet
        self.dominant_tenants = self._find_dominant(waiting, "tenant", half) - {None}
        self.dominant_shares = self._find_dominant(waiting, "share_key", half)

    def _find_dominant(
        self, waiting: QuerySet[InboundMessage], field: str, half: int
    ) -> frozenset[Any]:
        """Find the values of a field that more than so many waiting messages have."""
        totals = waiting.order_by().values(field).annotate(total=Count("pk"))
        return frozenset(totals.filter(total__gt=half).values_list(field, flat=True))


BACKLOG = Backlog()
