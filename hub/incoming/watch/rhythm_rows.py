"""Learn the rhythms of sources once a day, and set from when on their silence counts."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from connectors.registry import CONNECTORS
from hub.db import bulk
from hub.incoming.models import InboundSource, RhythmDay, SourceCanary, SourceRhythm
from hub.incoming.registration.scheduling.budgets import load_watch_plan
from hub.incoming.rhythm.counting import HOURS
from hub.incoming.rhythm.fading import is_fading
from hub.incoming.rhythm.profile import learn_rhythm
from hub.incoming.rhythm.silence import quiet_after, silent_after
from hub.incoming.rhythm.stored_rhythms import load_rhythm, pack_rates

LEARNED_FOR = timedelta(days=1)
LEARNED_AT_ONCE, ROWS_AT_ONCE = 200, 500  # rhythms
LOOKS_PER_DAY_MAX = 48.0  # of one source, where its account's budget allows as many
NO_RHYTHM = {"profile": None, "weeks": 0, "per_month": 0.0, "worst": 0.0, "is_weekly": False}


def find_rhythms_to_learn(*, now: datetime) -> tuple[QuerySet[SourceRhythm], ...]:
    """Return the rhythms that are new, and those learned a day ago, the first ones first.

    Each is read by its index alone, whatever the planner knows of the table.
    """
    rows = SourceRhythm.unscoped.order_by("learned_at")
    return rows.filter(learned_at=None), rows.filter(learned_at__lt=now - LEARNED_FOR)


def forget_removed_connectors() -> None:
    """Delete rhythms and canaries of connectors that are not installed any more.

    They are due for ever, and cannot be judged.
    """
    installed = list(CONNECTORS)
    SourceRhythm.unscoped.exclude(connection__connector_key__in=installed).delete()
    SourceCanary.unscoped.exclude(source__connection__connector_key__in=installed).delete()


def learn_due_rhythms(*, now: datetime) -> None:
    """Learn new rhythms, and those that are a day old anew, 200 at most of each."""
    for rows in find_rhythms_to_learn(now=now):
        for row in rows.select_related("source__tenant", "source__connection")[:LEARNED_AT_ONCE]:
            _learn(row, now=now)


def _learn(row: SourceRhythm, *, now: datetime) -> None:
    """Learn a rhythm from the days up to its last event: a silence does not make itself usual."""
    zone = find_zone(row.source)
    days = {row.first_day: [0] * 24}
    for day, *counts in RhythmDay.unscoped.filter(rhythm=row).values_list("day", *HOURS):
        days[day] = counts
    last_day = row.last_item_at.astimezone(zone).date()
    today = min(now.astimezone(zone).date(), last_day + timedelta(days=1))
    rhythm = learn_rhythm(days, zone, today=today)
    columns: dict[str, object] = dict(NO_RHYTHM)
    if rhythm is not None:
        columns = {
            "profile": pack_rates(rhythm),
            "weeks": rhythm.weeks,
            "per_month": rhythm.per_month,
            "worst": rhythm.worst,
            "is_weekly": rhythm.is_weekly,
        }
    row.learned_at = now
    row.is_fading = is_fading(days, zone, today=now.astimezone(zone).date())
    for name, value in columns.items():
        setattr(row, name, value)
    others = SourceRhythm.unscoped.filter(source=row.source_id, profile__isnull=False)
    share = find_looks_per_day(row.source) / (others.exclude(pk=row.pk).count() + 1)
    set_limits(row, row.source, looks_per_day=share)
    row.save(update_fields=["learned_at", "is_fading", "quiet_at", "silent_at", *columns])


def find_due_rhythms(*, now: datetime) -> QuerySet[SourceRhythm]:
    """Return the rhythms whose silence asks for evidence, the first ones first."""
    return SourceRhythm.unscoped.filter(quiet_at__lte=now).order_by("quiet_at")


def postpone_heard_rhythms(*, now: datetime) -> None:
    """Set the limits of due rhythms anew that had an event or other evidence, 500 at most.

    Most silences that are due have ended before, so this takes two statements. The budgets of their
    accounts are not read: within them a silence may last longer.
    """
    rows = find_due_rhythms(now=now).filter(source__state=InboundSource.State.LISTENING)
    heard = []
    for row in rows.select_related("source__tenant")[:ROWS_AT_ONCE]:
        set_limits(row, row.source, looks_per_day=LOOKS_PER_DAY_MAX)
        if row.quiet_at and row.silent_at and min(row.quiet_at, row.silent_at) > now:
            heard.append(row)
    columns = {name: [getattr(row, name) for row in heard] for name in ("quiet_at", "silent_at")}
    bulk.update_rows(SourceRhythm, [row.pk for row in heard], columns)


def find_looks_per_day(source: InboundSource) -> float:
    """Return how often a day a silence of the source may ask for evidence; its rhythms share it."""
    return min(load_watch_plan(source.connection).looks_per_day, LOOKS_PER_DAY_MAX)


def set_limits(row: SourceRhythm, source: InboundSource, *, looks_per_day: float) -> None:
    """Set from when on a silence of a rhythm asks for evidence, and is an alarm.

    Any good evidence restarts the first clock, and so does asking for it. The second one is
    restarted only by what shows delivery, and by the end of a wider cause: a webhook may be listed
    and not called.
    """
    rhythm, zone = load_rhythm(row), find_zone(source)
    if rhythm is None or source.retired_at is not None:
        row.quiet_at = row.silent_at = None
        return
    proof = find_proof(row, source)
    evidence = _latest(proof, source.listed_at, source.looked_at)
    row.quiet_at = quiet_after(rhythm, evidence, looks_per_day=looks_per_day, zone=zone)
    row.silent_at = silent_after(rhythm, proof, zone=zone)


def find_proof(row: SourceRhythm, source: InboundSource) -> datetime:
    """Return since when a rhythm is silent: what showed delivery last, or the end of a cause."""
    return _latest(row.last_item_at, source.canary_heard_at, source.read_until, _begin(source))


def _begin(source: InboundSource) -> datetime | None:
    """Return since when the source is listened to; of a silent one it does not count."""
    is_silent = source.state == InboundSource.State.SILENT
    return None if is_silent else source.state_changed_at


def _latest(first: datetime, *others: datetime | None) -> datetime:
    return max([first, *(at for at in others if at is not None)])


def find_zone(source: InboundSource) -> ZoneInfo:
    return ZoneInfo(source.tenant.time_zone)
