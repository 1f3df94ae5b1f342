"""The tables to prune: the retention of each, and which of its old rows are kept.

A delivery that has not ended is kept, however old, and so are the rows needed to send it. An
event's row contains the sender's id: while it exists, the same event is not accepted twice.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, time
from typing import Any, NamedTuple

from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from hub.connections.models import Authorization, ConnectLink, CredentialEvent
from hub.drift.models import DriftFinding
from hub.incoming.models import (
    InboundBody,
    InboundCount,
    InboundGap,
    InboundItem,
    InboundMessage,
    RhythmDay,
)
from hub.mail.models import Mail
from hub.notices.models import Notice
from hub.operations.models import Operation
from hub.outgoing.models import Delivery, Event, EventBody, EventValue, Exchange, Rendering
from hub.scheduled.models import Discrepancy, LogChunk, LogPosition, Run, StagedRecord
from tenants.models import PortalLink, SupportVisit

UNFINISHED_STATES = ("waiting", "sending", "held")
Ages = dict[Any, datetime]


class Table(NamedTuple):
    name: str
    retention: str  # bodies, rows, inbox or logs: which of the periods
    rows: Callable[[], QuerySet[Any]]
    # by primary key; what is missing has lost its row, and goes
    ages: Callable[[Sequence[Any]], Ages]
    rows_to_keep: Callable[[Collection[Any], datetime], Collection[Any]]


def _ages_by_column(model: type[Model], column: str) -> Callable[[Sequence[Any]], Ages]:
    return lambda ids: dict(model._base_manager.filter(pk__in=ids).values_list("pk", column))


def select_no_kept_rows(ids: Collection[Any], cutoff: datetime) -> Collection[Any]:
    return ()


def _bodies_still_needed(ids: Collection[Any], cutoff: datetime) -> Collection[Any]:
    return Delivery.unscoped.filter(event__in=ids, state__in=UNFINISHED_STATES).values_list(
        "event", flat=True
    )


def _renderings_still_needed(ids: Collection[Any], cutoff: datetime) -> Collection[Any]:
    return Delivery.unscoped.filter(pk__in=ids, state__in=UNFINISHED_STATES).values_list(
        "pk", flat=True
    )


def _deliveries_still_moving(ids: Collection[Any], cutoff: datetime) -> Collection[Any]:
    rows = Delivery.unscoped.filter(pk__in=ids)
    recently_moved = rows.filter(state_changed_at__gte=cutoff).values_list("pk", flat=True)
    return {*_renderings_still_needed(ids, cutoff), *recently_moved}


def _events_with_deliveries(ids: Collection[Any], cutoff: datetime) -> Collection[Any]:
    return Delivery.unscoped.filter(event__in=ids).values_list("event", flat=True)


def _find_running_operations(ids: Collection[Any], cutoff: datetime) -> Collection[Any]:
    return Operation.unscoped.filter(pk__in=ids, state="running").values_list("pk", flat=True)


def _find_open_notices(ids: Collection[Any], cutoff: datetime) -> Collection[Any]:
    rows = Notice.unscoped.filter(pk__in=ids, kind="needs_reconnect", resolved_at=None)
    return rows.values_list("pk", flat=True)


def _find_waiting_mails(ids: Collection[Any], cutoff: datetime) -> Collection[Any]:
    return Mail.objects.filter(pk__in=ids, state="waiting").values_list("pk", flat=True)


def _inbound_bodies_still_needed(ids: Collection[Any], cutoff: datetime) -> Collection[Any]:
    return _find_open_messages(ids) | set(_items_still_open(ids).values_list("message", flat=True))


def _messages_still_needed(ids: Collection[Any], cutoff: datetime) -> Collection[Any]:
    """Return a queryset of the messages that are due, and those of recently replayed items."""
    moved = InboundItem.unscoped.filter(message__in=ids, state_changed_at__gte=cutoff)
    return {*_inbound_bodies_still_needed(ids, cutoff), *moved.values_list("message", flat=True)}


def _find_open_messages(ids: Collection[Any]) -> set[Any]:
    due = InboundMessage.unscoped.filter(pk__in=ids, due_at__isnull=False)
    return set(due.values_list("pk", flat=True))


def _items_still_open(messages: Collection[Any]) -> QuerySet[InboundItem]:
    return InboundItem.unscoped.filter(message__in=messages, state__in=("received", "held"))


def _ages_of_rhythm_days(ids: Sequence[Any]) -> Ages:
    days = RhythmDay.unscoped.filter(pk__in=ids).values_list("pk", "day")
    return {pk: datetime.combine(day, time.min, UTC) for pk, day in days}


def _find_unfinished_gaps(ids: Collection[Any], cutoff: datetime) -> Collection[Any]:
    rows = InboundGap.unscoped.filter(pk__in=ids, state__in=InboundGap.UNFINISHED_STATES)
    return rows.values_list("pk", flat=True)


def _log_chunks_that_wait(ids: Collection[Any], cutoff: datetime) -> Collection[Any]:
    waiting = LogPosition.unscoped.filter(
        tenant=OuterRef("tenant"),
        log__source=OuterRef("source"),
        shipped_line__lt=OuterRef("first_line") + OuterRef("line_count"),
    )
    chunks = LogChunk.unscoped.filter(Exists(waiting), pk__in=ids)
    return chunks.values_list("pk", flat=True)


def _open_discrepancies(ids: Collection[Any], cutoff: datetime) -> Collection[Any]:
    rows = Discrepancy.unscoped.filter(pk__in=ids).exclude(state="resolved")
    return rows.values_list("pk", flat=True)


def _recent_drift_findings(ids: Collection[Any], cutoff: datetime) -> Collection[Any]:
    """Return a queryset of the findings that are open, or were resolved recently."""
    rows = DriftFinding.unscoped.filter(pk__in=ids)
    is_recent = Q(resolved_at=None) | Q(resolved_at__gte=cutoff)
    return rows.filter(is_recent).values_list("pk", flat=True)


def _open_runs(ids: Collection[Any], cutoff: datetime) -> Collection[Any]:
    rows = Run.unscoped.filter(pk__in=ids, state__in=Run.OPEN_STATES)
    return rows.values_list("pk", flat=True)


def _staged_of_open_runs(ids: Collection[Any], cutoff: datetime) -> Collection[Any]:
    rows = StagedRecord.objects.filter(pk__in=ids, run__state__in=Run.OPEN_STATES)
    return rows.values_list("pk", flat=True)


# in this order: a row goes after what hangs on it; hub/wiring.py adds those of higher packages
TABLES: list[Table] = [
    Table(
        "exchanges",
        "bodies",
        Exchange.objects.all,
        _ages_by_column(Exchange, "at"),
        select_no_kept_rows,
    ),
    Table(
        "renderings",
        "bodies",
        Rendering.objects.all,
        _ages_by_column(Delivery, "accepted_at"),
        _renderings_still_needed,
    ),
    Table(
        "event bodies",
        "bodies",
        EventBody.objects.all,
        _ages_by_column(Event, "accepted_at"),
        _bodies_still_needed,
    ),
    Table(
        "event values",
        "bodies",
        EventValue.unscoped.all,
        _ages_by_column(EventValue, "event__accepted_at"),
        select_no_kept_rows,
    ),
    Table(
        "deliveries",
        "rows",
        Delivery.unscoped.all,
        _ages_by_column(Delivery, "accepted_at"),
        _deliveries_still_moving,
    ),
    Table(
        "events",
        "rows",
        Event.unscoped.all,
        _ages_by_column(Event, "accepted_at"),
        _events_with_deliveries,
    ),
    Table(
        "rejected webhooks",
        "inbox",
        lambda: InboundMessage.unscoped.filter(state="rejected"),
        _ages_by_column(InboundMessage, "received_at"),
        select_no_kept_rows,
    ),
    Table(
        "unmatched items",
        "inbox",
        lambda: InboundItem.unscoped.filter(state="unmatched"),
        _ages_by_column(InboundItem, "received_at"),
        select_no_kept_rows,
    ),
    Table(
        "webhook bodies",
        "bodies",
        InboundBody.objects.all,
        _ages_by_column(InboundMessage, "received_at"),
        _inbound_bodies_still_needed,
    ),
    Table(
        "webhooks",
        "rows",
        InboundMessage.unscoped.all,
        _ages_by_column(InboundMessage, "received_at"),
        _messages_still_needed,
    ),
    Table(
        "webhook counts",
        "rows",
        InboundCount.unscoped.all,
        _ages_by_column(InboundCount, "minute"),
        select_no_kept_rows,
    ),
    Table(
        "days of rhythms",
        "rows",
        RhythmDay.unscoped.all,
        _ages_of_rhythm_days,
        select_no_kept_rows,
    ),
    Table(
        "gaps",
        "rows",
        InboundGap.unscoped.all,
        _ages_by_column(InboundGap, "state_changed_at"),
        _find_unfinished_gaps,
    ),
    Table(
        "log chunks",
        "logs",
        LogChunk.unscoped.all,
        _ages_by_column(LogChunk, "received_at"),
        _log_chunks_that_wait,
    ),
    Table(
        "staged records",
        "inbox",
        StagedRecord.objects.all,
        _ages_by_column(StagedRecord, "run__created_at"),
        _staged_of_open_runs,
    ),
    Table(
        "discrepancies",
        "rows",
        Discrepancy.unscoped.all,
        _ages_by_column(Discrepancy, "last_seen_at"),
        _open_discrepancies,
    ),
    Table(
        "findings of schema drift",
        "rows",
        DriftFinding.unscoped.all,
        _ages_by_column(DriftFinding, "first_seen_at"),
        _recent_drift_findings,
    ),
    Table(
        "runs",
        "rows",
        Run.unscoped.all,
        _ages_by_column(Run, "created_at"),
        _open_runs,
    ),
    Table(
        "mails",
        "bodies",
        Mail.objects.all,
        _ages_by_column(Mail, "created_at"),
        _find_waiting_mails,
    ),
    Table(
        "authorizations",
        "rows",
        Authorization.unscoped.all,
        _ages_by_column(Authorization, "created_at"),
        select_no_kept_rows,
    ),
    Table(
        "connect links",
        "rows",
        ConnectLink.unscoped.all,
        _ages_by_column(ConnectLink, "created_at"),
        select_no_kept_rows,
    ),
    Table(
        "portal links",
        "rows",
        PortalLink.unscoped.all,
        _ages_by_column(PortalLink, "created_at"),
        select_no_kept_rows,
    ),
    Table(
        "support visits",
        "rows",
        SupportVisit.unscoped.all,
        _ages_by_column(SupportVisit, "started_at"),
        select_no_kept_rows,
    ),
    Table(
        "credential events",
        "rows",
        CredentialEvent.unscoped.all,
        _ages_by_column(CredentialEvent, "at"),
        select_no_kept_rows,
    ),
    Table(
        "notices",
        "rows",
        Notice.unscoped.all,
        _ages_by_column(Notice, "created_at"),
        _find_open_notices,
    ),
    Table(
        "operations",
        "rows",
        Operation.unscoped.all,
        _ages_by_column(Operation, "planned_at"),
        _find_running_operations,
    ),
]
