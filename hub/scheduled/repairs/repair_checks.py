"""The task `repair`: read records again, before a repair that its system would carry out
unconditionally, and after one that was delivered.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from hub.audit import ActorContext
from hub.connections.credentials.provider_call import Call, Patience
from hub.db.clock import Clock
from hub.queue import wake_up
from hub.scheduled.models import Discrepancy
from hub.scheduled.repairs.read_back import (
    find_target_id,
    match_delivered,
    match_unread,
    reopen,
    resolve,
    send_unchanged,
    verify_delivered,
)
from hub.scheduled.repairs.record_reading import RecordReader
from hub.scheduled.repairs.repair_deliveries import REPAIR_WAKE_UP, RepairSender
from hub.scheduled.repairs.repair_values import RepairRefused

log = structlog.get_logger(__name__)

BATCH = 200  # discrepancies of one read
TIME_SLICE = timedelta(seconds=30)
VERIFY_WITHIN = timedelta(minutes=2)  # later the next run verifies the repair
READ_WITHIN = timedelta(hours=1)  # later the discrepancy is open again
GROUP_COLUMNS = ("job", "tenant", "connection", "repair_side")


@dataclass(frozen=True, slots=True)
class CheckTools:
    """What the task gives to the checks: the network, the clock, and how long to wait."""

    call: Call
    clock: Clock
    random: Callable[[], float]
    patience: Patience | None = None


def wake_up_for_repairs(*, now: datetime) -> None:
    """Start the task if a record is to be read again; a step of the sweep."""
    if Discrepancy.unscoped.filter(match_unread() | match_delivered()).exists():
        wake_up(REPAIR_WAKE_UP, now=now)


def check_repairs(tools: CheckTools) -> None:
    """Check repairs of each job, tenant and side, in any order, for up to TIME_SLICE.

    A job whose repairs cannot be checked does not stop those of the others.
    """
    deadline = tools.clock() + TIME_SLICE
    rows = Discrepancy.unscoped.filter(match_unread() | match_delivered())
    groups = list(rows.order_by().values(*GROUP_COLUMNS).distinct())
    for group in sorted(groups, key=lambda _group: tools.random()):
        if tools.clock() > deadline:
            return
        batch = rows.filter(**group).select_related(
            "job", "tenant", "connection__credential", "repair_delivery"
        )
        check_safely(limit_unread(list(batch.order_by("pk")[:BATCH]), group), tools)


def check_safely(batch: Sequence[Discrepancy], tools: CheckTools) -> None:
    """Check a batch; after an error its repairs wait, like those of records that are not read."""
    try:
        check_batch(batch, tools)
    except Exception:
        log.exception("repairs.not_checked", job=batch[0].job_id, tenant=batch[0].tenant_id)
        unread = [entry for entry in batch if entry.repair_delivery is None]
        delivered = [entry for entry in batch if entry.repair_delivery]
        give_up_waiting(unread, delivered, now=tools.clock())


def limit_unread(
    batch: Sequence[Discrepancy], group: Mapping[str, object]
) -> Sequence[Discrepancy]:
    """Return the batch without the repairs that could not be sent within a minute: those beyond
    BATCH that wait already.
    """
    waiting = Discrepancy.unscoped.filter(
        state="repairing", repair_delivery__state__in=("waiting", "sending"), **group
    )
    room = BATCH - waiting.count()
    unread = [entry for entry in batch if entry.repair_delivery is None][: max(room, 0)]
    return [*(entry for entry in batch if entry.repair_delivery), *unread]


def check_batch(batch: Sequence[Discrepancy], tools: CheckTools) -> None:
    """Read the records of discrepancies of one job, tenant and side, and settle the repairs."""
    updates = [entry for entry in batch if entry.verdict == "differs"]
    created = [entry for entry in batch if entry.verdict != "differs"]
    resolve([entry for entry in created if entry.repair_delivery], now=tools.clock())
    if not updates:
        return
    (first, *_) = updates
    sender = RepairSender(ActorContext.system(), now=tools.clock())
    try:
        options = sender.options_of(first.job)
        connection = sender.find_connection(first, first.repair_side)
    except RepairRefused as refused:
        reopen(updates, refused.reason)
        return
    reader = RecordReader(
        connection, first.tenant, options, first.repair_side, tools.call, tools.patience
    )
    now = tools.clock()
    unread = [entry for entry in updates if entry.repair_delivery is None]
    delivered = [entry for entry in updates if entry.repair_delivery]
    try:
        records = reader.read([find_target_id(entry) for entry in updates], now=now)
    except LookupError:  # no single records: the next run compares them
        reopen(unread, "cannot_be_read_again")
        resolve(delivered, now=now)
        return
    if records is None:
        give_up_waiting(unread, delivered, now=now)
        return
    verify_delivered(delivered, records, options, now=now)
    send_unchanged(unread, records, options, sender, now=now)


def give_up_waiting(
    unread: Sequence[Discrepancy], delivered: Sequence[Discrepancy], *, now: datetime
) -> None:
    """Settle the repairs whose records could not be read for long."""
    requested_before = now - READ_WITHIN
    late = [
        entry
        for entry in unread
        if entry.repair_requested_at and entry.repair_requested_at < requested_before
    ]
    reopen(late, "cannot_be_read_again")
    unverified = [
        entry
        for entry in delivered
        if entry.repair_delivery and entry.repair_delivery.state_changed_at < now - VERIFY_WITHIN
    ]
    resolve(unverified, now=now)
