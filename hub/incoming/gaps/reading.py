"""The states of a gap while it is read: taken by a run, continued, and closed with its counts."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, FloatField, IntegerField, Q, QuerySet, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Cast, Least

from connectors.registry import CONNECTORS
from connectors.webhook_sources import Feed
from hub.connections.models import Connection
from hub.db.state_machine import InvalidTransition
from hub.incoming.gaps.gap_states import lock_gap, lock_source
from hub.incoming.gaps.reports import report_end
from hub.incoming.models import InboundGap, InboundSource
from hub.processes.failpoints import failpoint

NO_FEED, HISTORY_GONE, CHANGES_NOT_LISTED = "no_feed", "history_gone", "changes_not_listed"
FEED_PERMISSION, TOO_MANY_CALLS = "feed_permission", "too_many_calls"
FEED_LOSSES = (HISTORY_GONE, CHANGES_NOT_LISTED)  # all else of the time was read
# a gap that lasts is read again after as long as it has lasted, within these
REPEATED_AFTER_MIN, REPEATED_AFTER_MAX = timedelta(minutes=15), timedelta(hours=4)
SECOND = timedelta(seconds=1)  # as times are compared in whole seconds
GAPS_AT_ONCE = 200
COUNT_MAX = 2_147_483_647  # that its column takes


@dataclass(frozen=True, slots=True)
class PageCounts:
    """What one page of a read brought.

    `share`: how much of the gap's time has been read; 0: not known.
    """

    read: int
    known: int
    new: int
    deleted: int
    unreadable: int
    share: float = 0.0


def find_feed(connection: Connection, object: str) -> Feed | None:
    """Return how the changes of an object are read; None if the system lists none."""
    source = connection.connector.webhook_source
    feeds = [feed for feed in (source.feeds if source else ()) if feed.object == object]
    return next(
        (feed for feed in feeds if not feed.setting or connection.settings.get(feed.setting)), None
    )


def is_reading(gap: InboundGap) -> bool:
    """Return whether the gap is still being read, and was not cancelled."""
    return InboundGap.unscoped.filter(pk=gap.pk, state="reading").exists()


def take_gap(gap: InboundGap, run_id: UUID, *, now: datetime) -> bool:
    """Begin to read a gap, or what is left of it; False if it may not be read any more."""
    with suppress(InvalidTransition):
        gap.transition_to("reading", run_id=run_id, state_changed_at=now)
        return True
    return False


def add_counts(gap: InboundGap, counts: PageCounts) -> bool:
    """Add what a page brought; runs in the transaction that stores its changes.

    Return whether the gap is still being read; that of a gap that was cancelled is dropped. How
    many there will be is estimated by the share of the time that was read.
    """
    read = F("read_count") + counts.read
    estimate = {"expected_count": _estimate(read, counts.share)} if counts.share else {}
    rows = InboundGap.unscoped.filter(pk=gap.pk, state="reading").update(
        read_count=read,
        known_count=F("known_count") + counts.known,
        new_count=F("new_count") + counts.new,
        deleted_count=F("deleted_count") + counts.deleted,
        unreadable_count=F("unreadable_count") + counts.unreadable,
        **estimate,
    )
    return bool(rows)


def _estimate(read: CombinedExpression, share: float) -> Cast:
    """Return how many changes a gap has, if so many are in this share of its time."""
    most = Value(float(COUNT_MAX), output_field=FloatField())
    return Cast(Least(read / share, most), IntegerField())


@transaction.atomic
def finish_read(
    gap: InboundGap,
    since: datetime,
    until: datetime,
    *,
    reason: str = "",
    missing_to: datetime | None = None,
    settle: timedelta,
    now: datetime,
) -> None:
    """End the read of a gap between two times.

    One that lasts, or ends later, is read again from there, as soon as its end has settled, and one
    that was extended meanwhile from its start. A `reason` says why something is missing, from what
    was unread to `missing_to`, or else to its end. One that the feed does not give is stored, and
    the rest is read.
    """
    lock_source(gap.source)
    gap.refresh_from_db()
    if gap.state != "reading":
        return
    if gap.unread_from < since:
        until = gap.unread_from
    is_read = not reason or reason in FEED_LOSSES
    loss = _describe_loss(gap, reason, missing_to)
    if gap.to_at is None or (is_read and until < gap.to_at):
        changes = {**loss, "read_until": max(gap.unread_from, until)} if is_read else {}
        _let_read_again(gap, changes, settle, now=now)
    elif loss:
        _end(gap, "incomplete", **{**loss, "missing_to": loss["missing_to"] or gap.to_at}, now=now)
    else:
        _end(gap, "closed", now=now)
    if not reason:
        newer = InboundSource.unscoped.filter(pk=gap.source_id).exclude(read_until__gte=until)
        newer.update(read_until=until)
    failpoint("G5")  # before the commit


def _describe_loss(gap: InboundGap, reason: str, missing_to: datetime | None) -> dict[str, Any]:
    """Return what is missing and why, after this part and those before; empty if nothing is."""
    if reason:
        return {"reason": reason, "missing_from": gap.incomplete_from, "missing_to": missing_to}
    if gap.reason:
        return {name: getattr(gap, name) for name in ("reason", "missing_from", "missing_to")}
    return {}


def _let_read_again(
    gap: InboundGap, changes: Mapping[str, Any], settle: timedelta, *, now: datetime
) -> None:
    """Let a gap that lasts be read again after a while, and another one when it has settled."""
    if gap.to_at is None:
        state, wait = "open", min(max(now - gap.opened_at, REPEATED_AFTER_MIN), REPEATED_AFTER_MAX)
        due_at = now + wait
    else:
        state, due_at = "due", max(gap.to_at + settle + 2 * SECOND, now + SECOND)
    gap.transition_to(state, due_at=due_at, state_changed_at=now, **changes)


@transaction.atomic
def release_gap(gap: InboundGap, reason: str, *, now: datetime) -> None:
    """Let a gap be read again whose run ended without it; with a reason it ends as incomplete."""
    lock_source(gap.source)
    run_id = gap.run_id
    gap.refresh_from_db()
    if gap.state != "reading" or gap.run_id != run_id:
        return
    with suppress(InvalidTransition):
        if gap.to_at is None:
            due_at = now + REPEATED_AFTER_MAX
            gap.transition_to("open", due_at=due_at, state_changed_at=now)
        elif not reason:
            gap.transition_to("due", due_at=now, state_changed_at=now)
        else:
            missing = {"missing_from": gap.unread_from, "missing_to": gap.to_at}
            _end(gap, "incomplete", reason=reason, **missing, now=now)


def end_gaps_without_feed(due: QuerySet[InboundGap], *, now: datetime) -> None:
    """End the due gaps whose system lists no changes: a person must bring them up to date."""
    gaps = due.exclude(_build_feed_condition()).select_related("source", "connection", "tenant")
    for gap in gaps[:GAPS_AT_ONCE]:
        with suppress(InvalidTransition), transaction.atomic():
            lock_gap(gap)
            if gap.to_at is None:
                lasting = InboundGap.unscoped.filter(pk=gap.pk, state="open", to_at=None)
                lasting.update(due_at=None)  # until its cause ends
                continue
            missing = {"missing_from": gap.from_at, "missing_to": gap.to_at}
            gap.transition_to("reading")
            _end(gap, "incomplete", reason=NO_FEED, **missing, now=now)


def _build_feed_condition() -> Q:
    """Match the gaps whose changes a system lists."""
    condition = Q(pk__in=())
    for key, connector in CONNECTORS.items():
        feeds = connector.webhook_source.feeds if connector.webhook_source else ()
        for feed in feeds:
            listed = Q(connection__connector_key=key, source__object=feed.object)
            if feed.setting:
                listed &= Q(connection__settings__has_key=feed.setting)
                listed &= ~Q(**{f"connection__settings__{feed.setting}": ""})
            condition |= listed
    return condition


def _end(gap: InboundGap, state: str, *, now: datetime, **changes: Any) -> None:
    gap.transition_to(state, due_at=None, closed_at=now, state_changed_at=now, **changes)
    report_end(gap, now=now)
