"""Three workers, kills, and a clock that jumps over both nights of daylight saving time in three
zones: each slot has one run, which finishes once.
"""

import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from django.db.models import Count

from bench.figures import Bar, Figure
from bench.installation.processes import Process, python_command, spawn, stop, wait_until
from bench.sink.client import Sink
from bench.suite import Options
from hub.processes.leases import process_prefix
from hub.processes.worker_registry import current_worker_id
from hub.scheduled.jobs.schedules import create_schedule
from hub.scheduled.models import Job, JobSchedule, Run
from hub.scheduled.runs.claim import RUN_LEASES
from tenants.models import Tenant

DATABASES = ("postgresql", "sqlite")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
# minutes and hours by cron expression; no hours: every hour
CRONS = {
    "30 2 * * *": ({30}, {2}),
    "0,45 1,2,3 * * *": ({0, 45}, {1, 2, 3}),
    "15 * * * *": ({15}, None),
}
NIGHTS = (  # UTC: the clocks of a zone change in each
    (datetime(2026, 3, 7, 20), datetime(2026, 3, 9, 2)),
    (datetime(2026, 3, 28, 12), datetime(2026, 3, 29, 18)),
    (datetime(2026, 4, 4, 6), datetime(2026, 4, 5, 6)),
    (datetime(2026, 10, 3, 6), datetime(2026, 10, 4, 6)),
    (datetime(2026, 10, 24, 12), datetime(2026, 10, 25, 18)),
    (datetime(2026, 10, 31, 20), datetime(2026, 11, 2, 2)),
)
WORKERS = 3
WINDOW = timedelta(days=2)  # what is to start meanwhile does, however slow the machine is
MINUTE = timedelta(minutes=1)
JUMPS = (1, 7, 20, 45, 60, -30)  # minutes; the clock also goes back
KILL_SHARE = 0.06  # of the jumps
FINISH_WITHIN = 120.0  # seconds


class Workers:
    """Processes that are killed and replaced."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.command = python_command("bench.programs.run_slots", path)
        self.processes = [spawn(self.command) for _ in range(WORKERS)]
        self.kills = 0

    def kill_one(self, number: int) -> None:
        victim: Process = self.processes[number]
        os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
        prefix = process_prefix(current_worker_id(), victim.pid)  # as a worker does
        RUN_LEASES.end(prefix, now=clock_of(self.path))
        self.processes[number] = spawn(self.command)
        self.kills += 1


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    nights = NIGHTS[1:2] if options.quick else NIGHTS
    generator = random.Random(16)
    expected: Counter[tuple[str, str, datetime]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        clock = Path(folder) / "clock"
        set_clock(clock, nights[0][0].replace(tzinfo=UTC))
        jobs = create_jobs(nights[0][0].replace(tzinfo=UTC))
        workers = Workers(clock)
        try:
            for start, end in nights:
                period = start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)
                restart(jobs, period[0])
                live_through(clock, period, workers, generator)
                expected.update(list_expected(*period))
        finally:
            clock.unlink()
            stop(workers.processes)
    yield Figure("slots_kills", workers.kills, "")
    yield from judge(expected)


def create_jobs(now: datetime) -> list[Job]:
    jobs = []
    for zone in ZONES:
        tenant = Tenant.objects.create(reference=zone.replace("/", "."), name=zone, time_zone=zone)
        for cron in CRONS:
            job = Job.unscoped.create(
                tenant=tenant,
                kind="report",
                name=cron,
                connector_key="slack",
                cron=cron,
                window_minutes=WINDOW // MINUTE,
                deadline_minutes=WINDOW // MINUTE,
            )
            create_schedule(job, tenant, now=now)
            jobs.append(job)
    return jobs


def restart(jobs: Sequence[Job], now: datetime) -> None:
    """Let the slots begin at the start of a night, not in the months before."""
    JobSchedule.unscoped.filter(job__in=jobs).delete()
    for job in jobs:
        assert job.tenant
        create_schedule(job, job.tenant, now=now - timedelta(microseconds=1))


def clock_of(path: Path) -> datetime:
    return datetime.fromisoformat(path.read_text())


def set_clock(path: Path, now: datetime) -> None:
    """Replace the file, so that no worker reads a half of it."""
    other = path.with_suffix(".new")
    other.write_text(now.isoformat())
    other.rename(path)


def live_through(
    clock: Path, period: tuple[datetime, datetime], workers: Workers, generator: random.Random
) -> None:
    """Let the clock jump from the start to the end, and kill workers meanwhile."""
    now, end = period
    set_clock(clock, now)
    while now < end - MINUTE:
        now = min(now + MINUTE * generator.choice(JUMPS), end - MINUTE)
        set_clock(clock, now)
        time.sleep(generator.random() * 0.3)
        if generator.random() < KILL_SHARE:
            workers.kill_one(generator.randrange(WORKERS))
    set_clock(clock, end - MINUTE)
    wait_until(
        lambda: is_night_over(end - MINUTE), within=FINISH_WITHIN, every=0.3, what="all runs"
    )


def is_night_over(now: datetime) -> bool:
    """Whether no slot and no run is left."""
    is_slot_due = JobSchedule.unscoped.filter(next_slot_at__lte=now).exists()
    return not is_slot_due and not Run.unscoped.filter(state__in=Run.OPEN_STATES).exists()


def list_expected(start: datetime, end: datetime) -> Iterator[tuple[str, str, datetime]]:
    """Yield the slots of a night as a person finds them who looks at a clock every minute."""
    for name in ZONES:
        zone = ZoneInfo(name)
        for cron, (minutes, hours) in CRONS.items():
            for slot in walk(zone, minutes, hours, start, end):
                yield name, cron, slot


def walk(
    zone: ZoneInfo, minutes: set[int], hours: set[int] | None, start: datetime, end: datetime
) -> Iterator[datetime]:
    """Yield when the clock shows a minute, or at fixed hours first reaches or passes a time."""
    at = start - timedelta(days=1)
    reached = at.astimezone(zone).replace(tzinfo=None)
    while at < end:
        local_time = at.astimezone(zone).replace(tzinfo=None)
        if hours is None:
            is_due = local_time.minute in minutes
        else:
            passed = [
                reached + MINUTE * step for step in range(1, (local_time - reached) // MINUTE + 1)
            ]
            is_due = any(time.minute in minutes and time.hour in hours for time in passed)
        if is_due and at >= start:
            yield at
        reached = max(reached, local_time)
        at += MINUTE


def judge(expected: Counter[tuple[str, str, datetime]]) -> Iterator[Figure]:
    rows = Run.unscoped.annotate(ends=Count("log")).select_related("job", "tenant")
    runs = [((run.tenant.name, run.job.name, run.slot_at), run) for run in rows]
    run_counts = Counter(key for key, _ in runs)
    yield Figure("slots_expected", len(expected), "slots")
    yield Figure(
        "slots_missing", len(expected.keys() - run_counts.keys()), "slots", bar=Bar("==", 0)
    )
    yield Figure(
        "slots_invented", len(run_counts.keys() - expected.keys()), "slots", bar=Bar("==", 0)
    )
    repeated = sum(count - 1 for count in run_counts.values())
    yield Figure("slots_repeated", repeated, "slots", bar=Bar("==", 0))
    unfinished = [run for _, run in runs if run.state != "finished"]
    yield Figure("slots_unfinished", len(unfinished), "runs", bar=Bar("==", 0))
    for run in unfinished:
        told = f"{run.slot_at}: {run.state} {run.reason}, attempt {run.attempt_count}"
        print(told, file=sys.stderr)
    ended_twice = sum(run.ends != 1 for _, run in runs)  # each end is one line of the log
    yield Figure("slots_ended_twice", ended_twice, "runs", bar=Bar("==", 0))
