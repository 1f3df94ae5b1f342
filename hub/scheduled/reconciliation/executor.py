"""The executor of a reconciliation: read both sides, then changes during the read; compare; record.

All data is stored together with its cursor, so an interrupted run continues.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from hub.audit import SYSTEM
from hub.operations.models import Operation
from hub.scheduled.models import JobSchedule, Run, StagedRecord
from hub.scheduled.reconciliation.changes_in_flight import InFlightTexts, collect_in_flight_texts
from hub.scheduled.reconciliation.comparison import compare_sides
from hub.scheduled.reconciliation.erase import delete_staged_of_ended_runs
from hub.scheduled.reconciliation.finish import finish_run
from hub.scheduled.reconciliation.options import ReconcileOptions, parse_reconcile_options
from hub.scheduled.reconciliation.progress import (
    COMPARED,
    FINISHED,
    LOCAL_SIDE,
    READING,
    REMOTE_SIDE,
    Progress,
)
from hub.scheduled.reconciliation.recording import find_ambiguous_keys
from hub.scheduled.reconciliation.result import build_result, decide_repairs
from hub.scheduled.reconciliation.side_reading import (
    CLOCK_MARGIN,
    Side,
    open_sides,
    read_changes,
    read_sides,
    read_whole_side,
)
from hub.scheduled.reconciliation.staging import (
    delete_staged,
    has_any_key,
    has_keys_of_one_side,
)
from hub.scheduled.reconciliation.values.converters import describe_value
from hub.scheduled.runs.context import RunContext, check_options

REPAIR_OPERATION = "repair"  # the kind of the operation that repairs what a run found


async def run_reconciliation(context: RunContext) -> Mapping[str, Any]:
    """Reconcile the two sides of a job; return the result.

    Raises RunFailed for options that are no longer valid.
    """
    options = _read_options(context)
    progress = Progress.load(context)
    sides = await open_sides(context, options)
    await _restart_if_changed(context, sides, progress)
    if progress.stage == READING:
        await _read(context, options, sides, progress)
    if progress.stage not in (COMPARED, FINISHED):
        texts = await _read_changes(context, sides, progress)
        await compare_sides(context, sides[1].connection, progress, options, texts)
    if progress.stage == COMPARED:
        await _finish(context, options, sides, progress)
    while await context.in_database(partial(delete_staged, context.run)):
        pass
    return await context.in_database(partial(_load_result, context.run, progress, options))


def _read_options(context: RunContext) -> ReconcileOptions:
    check_options(context.job)
    return parse_reconcile_options(context.job.options)


async def _restart_if_changed(
    context: RunContext, sides: Sequence[Side], progress: Progress
) -> None:
    """Begin again if the options or an account have changed since the run began, as records were
    staged with other fields, or of another account.
    """
    accounts = [[side.connection.pk, side.connection.account] for side in sides]
    basis = hashlib.sha256(describe_value([context.job.options, accounts]).encode()).hexdigest()
    stored_basis = progress.cursor.get("basis")
    if stored_basis == basis or progress.stage == FINISHED:
        return
    if stored_basis is None:
        await progress.save({"basis": basis})
        return
    await context.log("restarted", level="warning", reason="options_changed")
    delete = StagedRecord.objects.filter(run=context.run.pk).delete
    await progress.restart({"basis": basis}, write=delete)


async def _read(
    context: RunContext, options: ReconcileOptions, sides: Sequence[Side], progress: Progress
) -> None:
    """Read both sides: everything, or the changes since the last complete run began."""
    if "since" not in progress.cursor:
        await context.in_database(partial(delete_staged_of_ended_runs, context.run))
        basis = progress.cursor["basis"] if options.is_incremental else None
        start = await context.in_database(partial(_load_start, context.run, basis))
        await progress.save(start)
        await context.log("reading", since=start["since"])
    since = _parse_since(progress, options)
    await read_sides(context, sides, progress, since=since)
    if since:
        await _read_counterparts(context, sides, progress)
    for side in sides:
        state = progress.read_state(side.name)
        if not state.is_complete:
            await context.log("read_incomplete", level="warning", side=side.name)


def _parse_since(progress: Progress, options: ReconcileOptions) -> datetime | None:
    """Return the time from which changes are read; None: everything is read.

    A change between two runs is stamped earlier than the first of them began where the system's
    clock is behind ours.
    """
    text = progress.cursor["since"]
    if text is None:
        return None
    overlap = timedelta(minutes=options.overlap_minutes)
    return datetime.fromisoformat(text) - max(overlap, CLOCK_MARGIN)


def _load_start(run: Run, basis: str | None) -> dict[str, Any]:
    """Return the time from which changes are read (None: everything), the expected number of
    records, and how many there are on the larger side, as far as they are known.

    `basis`: the digest of options and accounts that an earlier run must have had; None: the run is
    not incremental.
    """
    previous = (
        Run.unscoped.filter(job=run.job_id, tenant=run.tenant_id, state="finished")
        .order_by("-pk")
        .first()
    )
    records = previous.result.get("records", {}) if previous else {}
    expected = sum(records.values()) if records else None
    schedule = JobSchedule.unscoped.filter(job=run.job_id, tenant=run.tenant_id).first()
    cursor = schedule.cursor if schedule and basis else {}
    known = cursor if cursor.get("basis") == basis else {}
    return {
        "since": known.get("since"),
        "expected": expected,
        "known_records": known.get("records", 0),
    }


async def _read_counterparts(
    context: RunContext, sides: Sequence[Side], progress: Progress
) -> None:
    """Read a whole side if it lacks counterparts of records that changed on the other side.

    Both are read if a record with an ambiguous key has changed, as only all records of a key show
    whether it still is.
    """
    run = context.run
    ambiguous_keys = await context.in_database(partial(find_ambiguous_keys, run))
    has_ambiguous = await context.in_database(partial(has_any_key, run, ambiguous_keys))
    for side, is_lacking in ((sides[0], LOCAL_SIDE), (sides[1], REMOTE_SIDE)):
        is_begun = bool(progress.read_state(f"whole.{is_lacking}").pages)
        lacks = partial(has_keys_of_one_side, run, is_local=not side.is_local)
        if is_begun or has_ambiguous or await context.in_database(lacks):
            await read_whole_side(context, side, progress)


async def _read_changes(
    context: RunContext, sides: Sequence[Side], progress: Progress
) -> InFlightTexts:
    """Read the changes since the run began; return the texts of deliveries in flight.

    These texts are collected first: what is delivered later is then in flight, and what was
    delivered earlier is among the changes.
    """
    connections = [side.connection for side in sides]
    while True:
        texts = await context.in_database(
            partial(collect_in_flight_texts, context.tenant, connections)
        )
        if await read_changes(context, sides, progress):
            return texts


async def _finish(
    context: RunContext, options: ReconcileOptions, sides: Sequence[Side], progress: Progress
) -> None:
    now = context.now()
    repair_state = decide_repairs(context.run, progress, options)
    write = partial(
        finish_run,
        context.run,
        context.tenant,
        sides[1].connection,
        progress,
        options,
        repair_state=repair_state,
        now=now,
    )
    changes = {"stage": FINISHED, "repairs": repair_state, "compared_at": now.isoformat()}
    await progress.save(changes, write=write)
    await context.log("compared", repairs=repair_state, **_summarize(progress))


def _summarize(progress: Progress) -> dict[str, Any]:
    counts = progress.counts
    return {name: counts.get(name, 0) for name in ("keys", "equal", "unsettled", "changes")}


def _load_result(run: Run, progress: Progress, options: ReconcileOptions) -> dict[str, Any]:
    operation = Operation.unscoped.filter(
        kind=REPAIR_OPERATION,
        tenant=run.tenant_id,
        actor_kind=SYSTEM.kind,
        filter__run=str(run.public_id),
    ).first()
    return build_result(run, progress, options, operation)
