"""The task `repair`: read both records again before repairs, and written ones after them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db.models import Q

from hub.audit import ActorContext
from hub.connections.credentials.provider_call import Call, Patience
from hub.db.clock import Clock
from hub.queue import wake_up
from hub.scheduled.models import LOCAL, REMOTE, Discrepancy
from hub.scheduled.reconciliation.options import ReconcileOptions
from hub.scheduled.repairs.outcomes import reopen
from hub.scheduled.repairs.read_back import CANNOT_BE_READ, SecondRead, match_unread
from hub.scheduled.repairs.record_reading import NotReadable, RecordReader
from hub.scheduled.repairs.repair_deliveries import REPAIR_WAKE_UP, RepairSender
from hub.scheduled.repairs.repair_values import RepairRefused
from hub.scheduled.repairs.verification import (
    find_target_id,
    load_created_ids,
    match_delivered,
    postpone_verification,
    verify_delivered,
)
from hub.scheduled.runs.claim import is_switched_off

log = structlog.get_logger(__name__)

BATCH_SIZE = 200  # discrepancies of one read
TIME_SLICE = timedelta(seconds=30)
READ_BACK_WITHIN = timedelta(hours=1)  # later the discrepancy is open again
GROUP_COLUMNS = ("job", "tenant", "connection", "repair_side")


@dataclass(frozen=True, slots=True)
class RepairCheckContext:
    """The clients, clock and limits of the checks."""

    call: Call
    clock: Clock
    random: Callable[[], float]
    patience: Patience


def wake_up_for_repairs(*, now: datetime) -> None:
    """Start the task if a record must be read again; a step of the sweep."""
    if Discrepancy.unscoped.filter(match_due(now=now)).exists():
        wake_up(REPAIR_WAKE_UP, now=now)


def match_due(*, now: datetime) -> Q:
    """Match the repairs to check now; while scheduled work is switched off, only sent ones."""
    delivered = match_delivered(now=now)
    return delivered if is_switched_off() else match_unread(now=now) | delivered


def check_repairs(context: RepairCheckContext) -> None:
    """Check repairs of each job, tenant and side, in any order, for up to TIME_SLICE.

    If the repairs of one job cannot be checked, the others are still checked.
    """
    deadline = context.clock() + TIME_SLICE
    rows = Discrepancy.unscoped.filter(match_due(now=context.clock()))
    groups = list(rows.order_by().values(*GROUP_COLUMNS).distinct())
    for group in sorted(groups, key=lambda _group: context.random()):
        if context.clock() > deadline:
            return
        batch = rows.filter(**group).select_related(
            "job", "tenant", "connection__credential", "repair_delivery", "last_run"
        )
        if discrepancies := limit_unread(list(batch.order_by("pk")[:BATCH_SIZE]), group):
            check_safely(discrepancies, context)


def check_safely(batch: Sequence[Discrepancy], context: RepairCheckContext) -> None:
    """Check a batch; after an error its repairs wait like those whose records could not be read."""
    try:
        check_batch(batch, context)
    except Exception:
        log.exception("repairs.not_checked", job=batch[0].job_id, tenant=batch[0].tenant_id)
        unread, delivered = split_batch(batch)
        give_up_waiting(unread, now=context.clock())
        postpone_verification(delivered, now=context.clock())


def limit_unread(
    batch: Sequence[Discrepancy], group: Mapping[str, object]
) -> Sequence[Discrepancy]:
    """Return the batch without the repairs that cannot be sent within a minute.

    At most BATCH_SIZE repairs may wait to be sent, including those that already wait.
    """
    waiting = Discrepancy.unscoped.filter(
        state="repairing", repair_delivery__state__in=("waiting", "sending"), **group
    )
    room = BATCH_SIZE - waiting.count()
    unread, delivered = split_batch(batch)
    return [*delivered, *unread[: max(room, 0)]]


def check_batch(batch: Sequence[Discrepancy], context: RepairCheckContext) -> None:
    """Read the records of discrepancies of one job, tenant and side, and settle the repairs."""
    first, now = batch[0], context.clock()
    unread, delivered = split_batch(batch)
    sender = RepairSender(ActorContext.system(), now=now)
    try:
        options = sender.options_of(first.job)
        readers = {
            side: RecordReader(
                sender.find_connection(first, side),
                first.tenant,
                options,
                side,
                context.call,
                context.patience,
            )
            for side in (LOCAL, REMOTE)
        }
    except RepairRefused as refused:
        reopen(unread, refused.reason)
        postpone_verification(delivered, now=now)
        return
    if delivered:
        check_delivered(delivered, readers[first.repair_side], options, now=now)
    if unread:
        second_read = SecondRead(readers, options, sender, context.clock)
        check_unread(unread, second_read, context.patience, now=now)


def check_delivered(
    delivered: Sequence[Discrepancy],
    reader: RecordReader,
    options: ReconcileOptions,
    *,
    now: datetime,
) -> None:
    """Read the written records, and settle their repairs; those that cannot be read wait."""
    created_ids = load_created_ids(delivered)
    findable = [entry for entry in delivered if created_ids.get(entry.pk) or find_target_id(entry)]
    try:
        records = reader.read(
            [created_ids.get(entry.pk) or find_target_id(entry) for entry in findable], now=now
        )
    except (NotReadable, LookupError):
        postpone_verification(delivered, now=now)
        return
    postpone_verification([entry for entry in delivered if entry not in findable], now=now)
    verify_delivered(findable, created_ids, records, options, now=now)


def check_unread(
    unread: Sequence[Discrepancy],
    second_read: SecondRead,
    patience: Patience,
    *,
    now: datetime,
) -> None:
    """Read the records of both sides, and send the repairs of those that have not changed."""
    try:
        waiting = second_read.send_unchanged(unread, patience.sleep, now=now)
    except LookupError:  # no single records: the next run compares them
        reopen(unread, CANNOT_BE_READ)
    except NotReadable:
        give_up_waiting(unread, now=now)
    else:
        give_up_waiting(waiting, now=now)


def split_batch(batch: Sequence[Discrepancy]) -> tuple[list[Discrepancy], list[Discrepancy]]:
    """Divide the batch into repairs to read before they are sent, and delivered ones."""
    unread = [entry for entry in batch if entry.repair_delivery is None]
    return unread, [entry for entry in batch if entry.repair_delivery]


def give_up_waiting(unread: Sequence[Discrepancy], *, now: datetime) -> None:
    """Reopen the repairs whose records could not be read, or changed all the time, for long."""
    requested_before = now - READ_BACK_WITHIN
    late = [
        entry
        for entry in unread
        if entry.repair_requested_at and entry.repair_requested_at < requested_before
    ]
    reopen(late, CANNOT_BE_READ)
