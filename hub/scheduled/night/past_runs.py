"""List the runs of the last night with the plans that were made when they were created."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from hub.scheduled.models import Run
from hub.scheduled.night.expectations import Expectation
from hub.scheduled.night.night_run import NightRun

MINUTE = timedelta(minutes=1)


def list_past_runs(runs: Iterable[Run], *, now: datetime) -> list[NightRun]:
    return [describe_past_run(run, now=now) for run in runs]


def describe_past_run(run: Run, *, now: datetime) -> NightRun:
    is_late = run.is_late(now=now) or (run.finished_at or now) > run.deadline_at
    expectation = ends_at = None
    if run.expected_seconds is not None:
        expectation = Expectation(seconds=run.expected_seconds, planned_calls=run.expected_calls)
        ends_at = run.due_at + timedelta(seconds=run.expected_seconds)
    return NightRun(
        run.job,
        run.tenant,
        run.due_at,
        run.deadline_at,
        expectation,
        run.slot_at,
        run,
        ends_at,
        is_late=is_late,
        explanation=explain_late_run(run, now=now) if is_late else "",
    )


def explain_late_run(run: Run, *, now: datetime) -> str:
    """Return why a run missed its deadline, as a sentence."""
    if run.started_at is None:
        return _("It has not started.")
    if run.started_at > run.window_ends_at:
        minutes = (run.started_at - run.window_ends_at) // MINUTE
        return _("It started %(minutes)s minutes after its window.") % {"minutes": minutes}
    took = ((run.finished_at or now) - run.started_at) // MINUTE
    if run.expected_seconds is None:
        return _("It took %(minutes)s minutes.") % {"minutes": took}
    expected = round(run.expected_seconds / 60)
    return _("It took %(minutes)s minutes; %(expected)s were expected.") % {
        "minutes": took,
        "expected": expected,
    }
