"""Measure refreshes and quiet events while every long slot is occupied: half of them compute, half
wait. And the memory of a local installation meanwhile.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import transaction

from bench import seed
from bench.checker import percentile
from bench.figures import Bar, Figure
from bench.installation.processes import (
    MANAGE,
    ROOT,
    descendants,
    python_command,
    running,
    wait_until,
)
from bench.installation.web import free_port, web_process
from bench.programs.long_work import BUSY_SECONDS
from bench.sink.client import Sink
from bench.source import delays
from bench.suite import Options
from hub.connections.models import Connection, ConnectorApp, Credential
from hub.db.clock import clock
from hub.outgoing.intake.publish import publish
from hub.queue import WakeUp, wake_up

DATABASES = ("postgresql", "sqlite")
WORK = ("compute:1", "wait:1")
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "bench.programs.long_work_settings",
    "HUB_LONG_SLOTS": str(len(WORK)),
}
# all are requested before the first is repeated, 10 s after it failed
REFRESHES, REFRESH_EVERY = 10, 0.5  # seconds
TOKEN_PATH = "/status-503"
PER_SECOND, SECONDS = 5, 20
START_WITHIN = 60.0  # seconds
TOKENS = {"access_token": "bench-access", "refresh_token": "bench-refresh"}


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    refreshes, seconds = (2, 2) if options.quick else (REFRESHES, SECONDS)
    quiet, to_refresh = stage(sink, refreshes)
    tenant = seed.tenant_of(quiet)
    with local_installation() as processes:
        before = sink.count()
        publish(tenant, "order.created", seed.order(0), now=clock())
        wait_until(
            lambda: sink.count() > before, within=START_WITHIN, what="the worker's first delivery"
        )
        occupied_until = occupy_long_slots()
        starts = [seconds_until_refresh(sink, row) for row in to_refresh]
        waits = delays(sink, [tenant], per_second=PER_SECOND, seconds=seconds)
        pids = {pid for process in processes for pid in descendants(process)}
        memory = sum(map(proportional_megabytes, pids))
        if time.monotonic() > occupied_until:
            raise SystemExit("the long slots were free before the end: this is no measurement")
    yield Figure("starve_refresh", max(starts), "s", bar=Bar("<=", 1))
    yield Figure("starve_quiet_p50", percentile(waits, 0.5), "ms")
    yield Figure("starve_quiet_p95", percentile(waits, 0.95), "ms", bar=Bar("<=", 200))
    yield Figure("starve_memory", memory, "MB", bar=Bar("<=", 400))


def stage(sink: Sink, refreshes: int) -> tuple[Connection, list[Connection]]:
    """Create a quiet connection with its route, and connections whose tokens can be refreshed."""
    seed.empty()
    sink.clear()
    app = ConnectorApp(connector_key="pipedrive", urls={"oauth": f"{sink.url}{TOKEN_PATH}"})
    app.seal({"client_id": "bench", "client_secret": "bench"})
    app.save()
    (quiet,) = seed.connections(1, sink.url + "/ok/quiet")
    seed.route()
    to_refresh = seed.connections(refreshes, sink.url, connector="pipedrive", secret=TOKENS)
    seed.give_accounts(to_refresh)
    return quiet, to_refresh


@contextmanager
def local_installation() -> Iterator[list[int]]:
    """Run what script/server runs: web, worker and sandbox; yield their first processes."""
    with (
        tempfile.TemporaryDirectory(prefix="hub-bench-sandbox-") as folder,
        web_process() as (web, _),
        running(
            [*MANAGE, "work"],
            python_command("sandbox"),
            environment=os.environ | SETTINGS | sandbox_settings(folder),
            stdout=sys.stderr,
        ) as processes,
    ):
        yield [process.pid for process in (web, *processes)]


def sandbox_settings(folder: str) -> dict[str, str]:
    return {
        "HUB_SANDBOX_STATE": folder,
        "HUB_SANDBOX_PORT": str(free_port()),
        "HUB_SANDBOX_SMTP_PORT": str(free_port()),
    }


def occupy_long_slots() -> float:
    """Return until when every long slot is occupied."""
    started = time.monotonic()
    command = python_command("bench.programs.long_work", *WORK)
    subprocess.run(command, env=os.environ | SETTINGS, cwd=ROOT, check=True)
    wait_until(is_work_started, within=START_WITHIN, what="the work in the long slots")
    return started + BUSY_SECONDS


def is_work_started() -> bool:
    """Whether each task of WORK has acknowledged its wake-up."""
    return WakeUp.objects.filter(name__in=WORK, requested_at=None).count() == len(WORK)


def seconds_until_refresh(sink: Sink, connection: Connection) -> float:
    """Make a refresh due and wake it up; return the seconds until its request arrives."""
    before, now = len(refresh_arrivals(sink)), clock()
    with transaction.atomic():
        Credential.unscoped.filter(connection=connection).update(refresh_due_at=now)
        wake_up(f"refresh:{connection.pk}", now=now)
    requested_at = time.monotonic()
    wait_until(
        lambda: len(refresh_arrivals(sink)) > before, within=START_WITHIN, what="the refresh"
    )
    time.sleep(REFRESH_EVERY)
    return refresh_arrivals(sink)[before] - requested_at


def refresh_arrivals(sink: Sink) -> list[float]:
    """Return when each request for a new token arrived."""
    return [arrival.at for arrival in sink.arrivals() if arrival.path.startswith(TOKEN_PATH)]


def proportional_megabytes(pid: int) -> float:
    """Return the memory of a process; pages that several processes map are shared among them."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0
