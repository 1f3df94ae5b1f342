"""Open gaps of sources, end their causes, and cancel them.

Whoever changes the gaps of a source locks the source first, so that a new cause joins the gap that
is there.
"""

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from hub.connections.models import DISCONNECTED
from hub.db.state_machine import InvalidTransition
from hub.incoming.gaps.reports import report_end, report_opening
from hub.incoming.models import InboundGap, InboundSource
from hub.processes.failpoints import failpoint

NEEDS_CONFIRMATION = "needs_confirmation"
BY_PERSON = "by_person"  # the reason of a gap that a person cancelled
OPEN_GAP_READ_AFTER = timedelta(minutes=15)  # while its cause lasts
CANCELLED_AT_ONCE = 200  # in one sweep
CHANGING_COLUMNS = ("state", "from_at", "to_at", "read_until", "reason", "missing_from")
UNFINISHED_GAPS_MAX = 20  # of one source; a further one joins the newest


def open_gap(
    source: InboundSource,
    cause: str,
    *,
    from_at: datetime,
    to_at: datetime | None = None,
    detail: str = "",
    requested_by: str = "",
    now: datetime,
) -> InboundGap:
    """Return the gap of a source from `from_at` to `to_at` (None: while its cause lasts).

    It joins a gap that lasts, or waits and overlaps, whose cause stays; by one that lasts a gap
    that waits lasts again. After a long outage a person must start it, as a restored back-up looks
    like one.
    """
    with transaction.atomic():
        lock_source(source)
        state, reason, due_at = _decide_state(cause, from_at, to_at, now=now)
        gap = _find_gap_to_join(source, cause, state, from_at, to_at)
        if gap is not None and (to_at or gap.to_at is None or _reopen(gap, cause, detail, now=now)):
            return _extend(gap, from_at, to_at)
        gap = InboundGap.unscoped.create(
            tenant_id=source.tenant_id,
            connection_id=source.connection_id,
            source=source,
            cause=cause,
            detail=detail[:500],
            state=state,
            reason=reason,
            from_at=from_at,
            to_at=to_at,
            due_at=due_at,
            requested_by=requested_by,
            opened_at=now,
            state_changed_at=now,
        )
        report_opening(gap, now=now)
        failpoint("G1")  # before the commit
        return gap


def end_gap_cause(
    source: InboundSource,
    causes: Collection[str],
    *,
    remaining: str = "",
    to_at: datetime,
    now: datetime,
) -> None:
    """End the gap of a source that lasts, if it has one of these causes; it is due then.

    `remaining`: another cause, by which it lasts on. One that is being read is read on to its end.
    That of a source that is silent lasts until it is heard, whatever else was repaired.
    """
    with transaction.atomic():
        lock_source(source)
        gap = _find_lasting_gap(source)
        if gap is None or gap.cause not in causes:
            return
        if InboundGap.Cause.SILENCE not in causes and _is_silent(source):
            remaining = InboundGap.Cause.SILENCE
        if remaining:
            InboundGap.unscoped.filter(pk=gap.pk).update(cause=remaining)
            return
        changes = {"to_at": max(to_at, gap.from_at), "due_at": now}
        if gap.state == "open":
            gap.transition_to("due", state_changed_at=now, **changes)
        else:
            InboundGap.unscoped.filter(pk=gap.pk).update(**changes)


def cancel_gaps(sources: Collection[InboundSource], reason: str, *, now: datetime) -> None:
    """Cancel the unfinished gaps of these sources."""
    gaps = InboundGap.unscoped.filter(source__in=sources, state__in=InboundGap.UNFINISHED_STATES)
    _cancel_all(gaps, reason, now=now)


def cancel_gaps_of_disconnected(*, now: datetime) -> None:
    """Cancel the gaps of accounts whose disconnect cannot be undone any more: a sweep step."""
    gaps = InboundGap.unscoped.filter(
        state__in=InboundGap.UNFINISHED_STATES,
        connection__state="disabled",
        connection__reason=DISCONNECTED,
        connection__disconnection=None,
    )
    _cancel_all(gaps.order_by("pk")[:CANCELLED_AT_ONCE], DISCONNECTED, now=now)


def _cancel_all(gaps: QuerySet[InboundGap], reason: str, *, now: datetime) -> None:
    for gap in gaps.select_related("source", "connection", "tenant"):
        with suppress(InvalidTransition), transaction.atomic():  # it has just ended
            end_as_cancelled(gap, reason, now=now)


def end_as_cancelled(gap: InboundGap, reason: str, *, now: datetime) -> None:
    """Cancel a gap: what it has not read is missing; one that lasts ends now.

    Runs in a transaction. A run that reads it stops before its next page. Raises InvalidTransition
    if it has ended.
    """
    lock_gap(gap)
    to_at = gap.to_at or max(now, gap.unread_from)
    gap.transition_to(
        "cancelled",
        reason=reason,
        to_at=to_at,
        missing_from=gap.incomplete_from,
        missing_to=to_at,
        due_at=None,
        state_changed_at=now,
        closed_at=now,
    )
    report_end(gap, now=now)


def find_unwanted_end(source: InboundSource, at: datetime) -> datetime:
    """Return up to when a person wants nothing to be read from a time on; that time if all is."""
    gaps = InboundGap.unscoped.filter(source=source, state="cancelled", reason=BY_PERSON)
    ends = gaps.filter(from_at__lte=at, to_at__gt=at).values_list("to_at", flat=True)
    return max((end for end in ends if end is not None), default=at)


def lock_source(source: InboundSource) -> None:
    """Let other changes of the source's gaps wait for the end of the transaction."""
    rows = InboundSource.unscoped.filter(pk=source.pk).select_for_update(no_key=True)
    list(rows.values_list("pk", flat=True))


def lock_gap(gap: InboundGap) -> None:
    """Lock the source of a gap, and read the gap again: another process may have changed it."""
    lock_source(gap.source)
    gap.refresh_from_db(fields=CHANGING_COLUMNS)


def _is_silent(source: InboundSource) -> bool:
    silent = InboundSource.unscoped.filter(pk=source.pk, state=InboundSource.State.SILENT)
    return silent.exists()


def _find_lasting_gap(source: InboundSource) -> InboundGap | None:
    gaps = InboundGap.unscoped.filter(source=source, state__in=InboundGap.UNFINISHED_STATES)
    return gaps.filter(to_at=None).first()


def _find_gap_to_join(
    source: InboundSource, cause: str, state: str, from_at: datetime, to_at: datetime | None
) -> InboundGap | None:
    """Return the gap that lasts, or else one that waits and overlaps; None if it is a new one.

    What a person requests joins none that lasts or waits for a person, as that would not be read;
    what a person must start joins none that is read without one.
    """
    lasting = _find_lasting_gap(source)
    is_by_hand = cause == InboundGap.Cause.BY_HAND
    if lasting is not None and not is_by_hand and state != "held":
        return lasting
    if to_at is None:
        ended = InboundGap.unscoped.filter(source=source, state="due", to_at__gte=from_at)
        return ended.exclude(cause=InboundGap.Cause.BY_HAND).order_by("from_at").first()
    joinable = ("held",) if state == "held" else ("due",) if is_by_hand else ("due", "held")
    waiting = InboundGap.unscoped.filter(source=source, state__in=joinable)
    overlapping = waiting.filter(from_at__lte=to_at, to_at__gte=from_at)
    gap = overlapping.order_by("from_at").first()
    if gap is None and waiting.count() >= UNFINISHED_GAPS_MAX:
        return waiting.order_by("-from_at").first()
    return gap


def _reopen(gap: InboundGap, cause: str, detail: str, *, now: datetime) -> bool:
    """Let a gap that waits last again; return whether no run has taken it just now."""
    columns = {"cause": cause, "detail": detail[:500], "to_at": None, "state_changed_at": now}
    with suppress(InvalidTransition):
        gap.transition_to("open", **columns)
        return True
    return False


def _extend(gap: InboundGap, from_at: datetime, to_at: datetime | None) -> InboundGap:
    """Extend a gap, so that it contains this time; one that begins earlier is read from there."""
    if from_at < gap.from_at:
        gap.from_at, gap.read_until = from_at, None
    if gap.to_at is not None and to_at is not None:
        gap.to_at = max(gap.to_at, to_at)
    InboundGap.unscoped.filter(pk=gap.pk).update(
        from_at=gap.from_at, to_at=gap.to_at, read_until=gap.read_until
    )
    return gap


def _decide_state(
    cause: str, from_at: datetime, to_at: datetime | None, *, now: datetime
) -> tuple[str, str, datetime | None]:
    """Return state, reason and due time of a new gap."""
    if to_at is None:
        return "open", "", now + OPEN_GAP_READ_AFTER
    longest = timedelta(hours=settings.HUB_GAP_CONFIRM_HOURS)
    if cause == InboundGap.Cause.OUTAGE and to_at - from_at > longest:
        return "held", NEEDS_CONFIRMATION, None
    return "due", "", now
