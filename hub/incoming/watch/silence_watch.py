"""Judge the sources whose silence is long: listening, explained, asked about, or silent."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import F, Q, QuerySet

from hub.db.state_machine import InvalidTransition
from hub.incoming.gaps import end_gap_cause, open_gap
from hub.incoming.models import (
    InboundEndpoint,
    InboundGap,
    InboundItem,
    InboundSource,
    SourceCanary,
    SourceRhythm,
)
from hub.incoming.registration.scheduling.budgets import load_watch_plan
from hub.incoming.registration.scheduling.checks import request_check
from hub.incoming.registration.source_gaps import find_registration_cause
from hub.incoming.watch.rhythm_rows import (
    ROWS_AT_ONCE,
    find_due_rhythms,
    find_looks_per_day,
    find_proof,
    find_rhythms_to_learn,
    postpone_heard_rhythms,
    set_limits,
)
from hub.incoming.watch.wider_causes import find_wider_cause, is_watching_allowed
from hub.queue import wake_up

SOURCES_JUDGED_AT_ONCE = 100
NEWEST_ITEMS = 500  # of a connection, that are compared, as counts are 90 s late
OVERLAP = timedelta(minutes=2)  # of a gap with the last sign of life
LISTENING, QUIET, SILENT = InboundSource.State
SOURCE_SILENT, CANARY_LATE, CHANGE_MISSED = "source_silent", "canary_late", "change_missed"
SILENCE_CAUSES = (InboundGap.Cause.SILENCE, InboundGap.Cause.CANARY, InboundGap.Cause.MISSED)


class Look(NamedTuple):
    """A source whose system is asked what has changed since its last sign of life."""

    source: InboundSource
    since: datetime


def wake_due_sources(*, now: datetime) -> None:
    """Wake the task that listens to sources if one is due: a step of the sweep."""
    is_due = (
        any(rows.first() for rows in find_rhythms_to_learn(now=now))
        or find_due_rhythms(now=now).first()
        or find_rhythms_heard_again().exists()
        or find_sources_proved_again().exists()
        or SourceCanary.unscoped.filter(due_at__lte=now).exists()
    )
    if is_due and is_watching_allowed():
        wake_up("listen", now=now)


def find_rhythms_heard_again() -> QuerySet[SourceRhythm]:
    """Return the rhythms of silent sources that had an item since the alarm."""
    since = F("source__state_changed_at")
    return SourceRhythm.unscoped.filter(
        source__state=SILENT, silent_at__lte=since, last_item_at__gt=since
    )


def find_sources_proved_again() -> QuerySet[InboundSource]:
    """Return the silent sources whose alarm ends by no rhythm.

    Their canary was heard, or is off while anything else was; anything was after a missed change;
    or no route wants them any more.
    """
    since = F("state_changed_at")
    by_canary = Q(reason=CANARY_LATE, canary__is_on=False, heard_at__gt=since)
    by_change = Q(reason=CHANGE_MISSED, heard_at__gt=since)
    is_over = Q(canary_heard_at__gt=since) | by_canary | by_change | Q(retired_at__isnull=False)
    return InboundSource.unscoped.filter(is_over, state=SILENT)


def judge_due_sources(*, now: datetime) -> list[Look]:
    """Judge the sources of rhythms that are quiet, or were silent and are heard again.

    Return the looks by which the systems of quiet ones are asked.
    """
    postpone_heard_rhythms(now=now)
    due = (find_rhythms_heard_again(), find_due_rhythms(now=now))
    ids = [id for rows in due for id in rows.values_list("source", flat=True)[:ROWS_AT_ONCE]]
    ids = [*find_sources_proved_again().values_list("pk", flat=True)[:ROWS_AT_ONCE], *ids]
    related = ("tenant", "connection__lane", "connection__tenant")
    sources = InboundSource.unscoped.select_related(*related)
    looks = (
        judge_source(sources.get(pk=id), now=now)
        for id in list(dict.fromkeys(ids))[:SOURCES_JUDGED_AT_ONCE]
    )
    return [look for look in looks if look is not None]


def look_at_fading_sources(*, now: datetime) -> list[Look]:
    """Ask for evidence of sources with far fewer events, once after each time that was learned.

    Return the looks by which their systems are asked.
    """
    is_new = Q(source__looked_at=None) | Q(source__looked_at__lt=F("learned_at"))
    rows = SourceRhythm.unscoped.filter(
        is_new, is_fading=True, source__state=LISTENING, source__retired_at=None
    )
    ids = rows.values_list("source", flat=True).distinct()[:SOURCES_JUDGED_AT_ONCE]
    related = ("connection__lane", "connection__tenant")
    looks = []
    for source in InboundSource.unscoped.select_related(*related).filter(pk__in=list(ids)):
        _update(source, looked_at=now)
        if not find_wider_cause(source.connection, since=now, now=now):
            _request_evidence(source, now=now)
            looks.append(Look(source, source.heard_at or source.created_at))
    return looks


def judge_source(source: InboundSource, *, now: datetime) -> Look | None:
    """Judge one source by its rhythms, and store when they are due again.

    Return what its system is asked, if it is quiet.
    """
    rows = list(SourceRhythm.unscoped.filter(source=source, profile__isnull=False))
    newest, looks_per_day = _find_newest_items(source.connection_id), find_looks_per_day(source)
    for row in rows:
        row.last_item_at = max(row.last_item_at, newest.get(row.type, row.last_item_at))
    _set_all_limits(rows, source, looks_per_day)
    quiet = [row for row in rows if row.quiet_at and row.quiet_at <= now]
    silent = [row for row in rows if row.silent_at and row.silent_at <= now]
    since = min((find_proof(row, source) for row in (*quiet, *silent)), default=None)
    cause = find_wider_cause(source.connection, since=since, now=now) if since else ""
    if cause:
        _restart_clock(source, cause, now=now)
    elif silent:
        row, gap_cause = silent[0], InboundGap.Cause.SILENCE
        mark_source_silent(
            source, gap_cause, SOURCE_SILENT, row.type, heard_at=row.last_item_at, now=now
        )
    elif source.state == SILENT and _has_new_sign(source, rows):
        mark_source_heard(source, now=now)
    elif not quiet and source.state == QUIET:
        _update(source, state=LISTENING)
    look = None
    if (quiet or silent) and not cause:
        look = _ask_for_evidence(source, quiet, now=now)
    _set_all_limits(rows, source, looks_per_day)
    for row in rows:
        row.save(update_fields=["last_item_at", "quiet_at", "silent_at"])
    return look


def _has_new_sign(source: InboundSource, rows: Sequence[SourceRhythm]) -> bool:
    """Return whether a silent source that is still wanted has delivered since its alarm."""
    signs = [source.canary_heard_at, *(row.last_item_at for row in rows)]
    if source.reason in (CANARY_LATE, CHANGE_MISSED):
        signs.append(source.heard_at)
    is_heard = any(at is not None and at > source.state_changed_at for at in signs)
    return is_heard or source.retired_at is not None


def _set_all_limits(
    rows: Sequence[SourceRhythm], source: InboundSource, looks_per_day: float
) -> None:
    for row in rows:
        set_limits(row, source, looks_per_day=looks_per_day / len(rows))


def _find_newest_items(connection_id: int) -> Mapping[str, datetime]:
    """Return when the newest item of each type arrived, of the newest 500 of a connection."""
    items = InboundItem.unscoped.filter(connection=connection_id).order_by("-pk")
    newest: dict[str, datetime] = {}
    columns = ("type", "received_at", "is_read", "state")
    for type, received_at, is_read, state in items.values_list(*columns)[:NEWEST_ITEMS]:
        if not is_read and state != InboundItem.State.ECHO:
            newest[type] = max(received_at, newest.get(type, received_at))
    return newest


def _restart_clock(source: InboundSource, cause: str, *, now: datetime) -> None:
    """Let the silence begin anew, as a wider cause explains it. A silent source stays silent."""
    _update(source, looked_at=now)
    if source.state != SILENT:
        _update(source, state=LISTENING, reason=cause, state_changed_at=now)


def _ask_for_evidence(
    source: InboundSource, quiet: Sequence[SourceRhythm], *, now: datetime
) -> Look | None:
    """Have the registrations of its connection checked; their check states what it found.

    Where the hub may make a change of its own, it is made at once, instead of at its interval.
    Return what its system is asked, unless the source is silent.
    """
    _update(source, looked_at=now)
    if source.state == LISTENING:
        _update(source, state=QUIET, reason="")
    _request_evidence(source, now=now)
    if not quiet or source.state == SILENT:
        return None
    return Look(source, min(row.last_item_at for row in quiet))


def _request_evidence(source: InboundSource, *, now: datetime) -> None:
    """Have the canary sent, if it may be, and the registrations checked."""
    _hasten_canary(source, now=now)
    subscriptions = source.connection.connector.subscriptions
    endpoint = InboundEndpoint.unscoped.filter(connection=source.connection_id).first()
    if endpoint is None or subscriptions is None or subscriptions.is_manual:
        return
    if endpoint.next_check_at is None or endpoint.next_check_at > now:
        request_check(endpoint, now=now)


def _hasten_canary(source: InboundSource, *, now: datetime) -> None:
    """Let the hub make its change at once, if the account's budget allows another one already."""
    webhooks = source.connection.connector.webhook_source
    definition = webhooks.canaries.get(source.object) if webhooks else None
    if definition is None or definition.is_passive:
        return
    latest = now - timedelta(seconds=load_watch_plan(source.connection).canary_every)
    canaries = SourceCanary.unscoped.filter(source=source, is_on=True, due_at__gt=now)
    allowed = canaries.filter(Q(sent_at=None) | Q(sent_at__lte=latest))
    allowed.filter(state=SourceCanary.State.IDLE).update(due_at=now)


def _update(source: InboundSource, **columns: object) -> None:
    InboundSource.unscoped.filter(pk=source.pk).update(**columns)
    for name, value in columns.items():
        setattr(source, name, value)


# --- both lock the connection before the source, as all do that change both -----------------------


@transaction.atomic
def mark_source_silent(
    source: InboundSource,
    cause: str,
    reason: str,
    detail: str = "",
    *,
    heard_at: datetime | None = None,
    now: datetime,
) -> None:
    """Record that a source is silent: its gap opens at its last sign of life.

    If it is known to be, only its connection is marked again, whose other problem has been solved.

    `heard_at`: when the rhythm that is silent had its last event; None: the source's last one.
    """
    if source.connection.state == "healthy":
        with suppress(InvalidTransition):  # it has just changed
            source.connection.mark_silent(reason, detail, now=now)
    if source.state == SILENT:
        return
    proofs = (heard_at or source.heard_at, source.canary_heard_at, source.read_until)
    last_sign = max((at for at in proofs if at is not None), default=source.created_at)
    _update(source, state=SILENT, reason=reason, state_changed_at=now)
    open_gap(source, cause, from_at=last_sign - OVERLAP, detail=detail, now=now)


@transaction.atomic
def mark_source_heard(source: InboundSource, *, now: datetime) -> None:
    """Record that a silent source delivers again; its gap ends, and is read.

    It lasts on while a registration of its object is not repaired.
    """
    silent = InboundSource.unscoped.filter(connection=source.connection_id, state=SILENT)
    others = silent.filter(retired_at=None).exclude(pk=source.pk)
    if source.connection.state == "silent" and not others.exists():
        with suppress(InvalidTransition):
            source.connection.mark_healthy(now=now)
    _update(source, state=LISTENING, reason="", state_changed_at=now)
    remaining = find_registration_cause(source)
    end_gap_cause(source, SILENCE_CAUSES, remaining=remaining, to_at=now, now=now)
