"""Compare 100,000 orders with 100,000 records, with one planted difference of every verdict in a
hundred keys.
"""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import seed
from bench.figures import Bar, Figure
from bench.installation.processes import Process, python_command, start_together, wait_until
from bench.scheduled.order_systems import (
    Found,
    OrderSystems,
    connect_systems,
    count_missing,
    count_writes,
    find_tenant,
    order_systems,
    plant_orders,
)
from bench.scheduled.runner import (
    count_pages,
    deliver_all_repairs,
    execute_runs,
    start_runner,
)
from bench.sink.client import Sink
from bench.suite import Options
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.operations.operation_actions import confirm_operation
from hub.scheduled.models import Discrepancy, Job
from hub.scheduled.repairs.discrepancy_actions import plan_repairs
from hub.scheduled.runs.claim import RUN_LEASES
from hub.scheduled.runs.run_actions import start_run

DATABASES = ("postgresql",)
KEYS, QUICK_KEYS = 100_000, 2_000
KILL_AT_PAGE = 40


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    keys = QUICK_KEYS if options.quick else KEYS
    with order_systems() as systems:
        job = connect_systems(systems)
        planted = plant_orders(systems, keys)
        seed.settle_down()
        yield from measure_run(systems, job, planted)
        if not options.quick:
            yield from measure_killed_run(systems, job, planted)
        yield from measure_run_after_repair(systems, job, planted)


def measure_run(systems: OrderSystems, job: Job, planted: Found) -> Iterator[Figure]:
    before = cpu_seconds(systems.process.pid)
    run = start_run(job, find_tenant(), ActorContext.system(), now=clock())
    figures = execute_runs()
    run.refresh_from_db()
    if run.state != "finished":
        raise SystemExit(f"the run is {run.state}: {run.reason} {run.detail}")
    sandbox_seconds = cpu_seconds(systems.process.pid) - before
    assert run.started_at is not None and run.finished_at is not None
    seconds = (run.finished_at - run.started_at).total_seconds()
    records = sum(run.result["records"].values())
    yield Figure("compare", seconds, "s", bar=Bar("<=", 40))
    yield Figure("compare_records", records / seconds, "/s")
    yield Figure("compare_hub_cpu", figures["cpu_seconds"], "s")
    yield Figure("compare_sandbox_cpu", sandbox_seconds, "s")
    yield Figure("compare_memory_growth", figures["megabytes"], "MB", bar=Bar("<=", 50))
    yield Figure("compare_wrong", count_missing(planted, found(job)), "", bar=Bar("==", 0))
    yield Figure("compare_discrepancies", len(planted), "")


def found(job: Job) -> Found:
    rows = Discrepancy.unscoped.filter(job=job).exclude(state="resolved")
    return set(rows.values_list("record_key", "field", "verdict"))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used."""
    values = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")


# --- killed at page 40 ----------------------------------------------------------------------------


def measure_killed_run(systems: OrderSystems, job: Job, planted: Found) -> Iterator[Figure]:
    """Kill a run between two pages; only a page that was not stored may be read again."""
    first_request = len(systems.list_requests())
    run = start_run(job, find_tenant(), ActorContext.system(), now=clock())
    with start_runner() as (process,):
        wait_until(lambda: count_pages(run) >= KILL_AT_PAGE, within=120, every=0.01, what="page 40")
        kill(process)
    read = first_reads(systems.list_requests()[first_request:])
    unstored_count = len(read) - count_pages(run)
    RUN_LEASES.end(b"", now=clock())  # of all holders
    execute_runs()
    all_reads = Counter(first_reads(systems.list_requests()[first_request:]))
    read_twice = sum(times - 1 for times in all_reads.values())
    yield Figure("compare_pages_read_twice", read_twice, "", bar=Bar("<=", unstored_count))
    yield Figure("compare_wrong_killed", count_missing(planted, found(job)), "", bar=Bar("==", 0))


# --- after a repair -------------------------------------------------------------------------------


def measure_run_after_repair(systems: OrderSystems, job: Job, planted: Found) -> Iterator[Figure]:
    """Repair all values that differ; another run finds none of them, all others again, and writes
    nothing.
    """
    actor = ActorContext.system()
    condition = {"job": str(job.public_id), "verdict": "differs"}
    operation = plan_repairs(condition, actor, tenant=job.tenant, reason="bench", now=clock())
    confirm_operation(operation, actor, now=clock())
    before = count_writes(systems)
    with start_together(python_command("bench.programs.pump")):
        deliver_all_repairs()
    repair_count = count_writes(systems) - before
    yield Figure("compare_repairs", repair_count, "", bar=Bar("==", operation.count))
    start_run(job, find_tenant(), actor, now=clock())
    execute_runs()
    remaining = {entry for entry in planted if entry[2] != "differs"}
    yield Figure("compare_second_wrong", count_missing(remaining, found(job)), "", bar=Bar("==", 0))
    writes = count_writes(systems) - before - repair_count
    yield Figure("compare_second_writes", writes, "", bar=Bar("==", 0))


# --- processes ------------------------------------------------------------------------------------


def kill(process: Process) -> None:
    process.kill()
    process.wait()


def first_reads(requests: list[dict[str, Any]]) -> list[str]:
    """Return the path of each page that was requested to read a whole side."""
    paths = [request["path"] for request in requests if request["method"] == "GET"]
    return [path for path in paths if "updated_since" not in path and "%3E%3D" not in path]
