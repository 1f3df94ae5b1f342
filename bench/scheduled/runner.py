"""A process that executes runs, and its end."""

import json
import os
import subprocess
from collections.abc import Mapping
from contextlib import AbstractContextManager

from bench.installation.processes import Process, python_command, running
from hub.db.clock import clock
from hub.scheduled.models import Run
from hub.scheduled.runs.claim import RUN_LEASES

SMALL_PAGES = "bench.programs.small_page_settings"


def use_small_pages(records: int) -> None:
    """Let the processes that are started from now on ask for pages of so many records."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": SMALL_PAGES, "HUB_BENCH_PAGE_SIZE": str(records)}


def start_runner(**settings: str) -> AbstractContextManager[list[Process]]:
    """Start a process that executes open runs; `settings` are of its environment."""
    return running(
        python_command("bench.programs.run_jobs"),
        environment=os.environ | settings,
        stdout=subprocess.PIPE,
    )


def execute_runs() -> Mapping[str, float]:
    """Execute all open runs in a process of their own; return its figures."""
    with start_runner() as (process,):
        output, _ = process.communicate()
    if process.returncode:
        raise SystemExit("the process that executes runs failed")
    figures: Mapping[str, float] = json.loads(output.splitlines()[-1])
    return figures


def deliver_repairs(**settings: str) -> int:
    """Carry out all repairs in a process of its own, while a pump delivers them; return its exit
    code. `settings` are of its environment.
    """
    with running(
        python_command("bench.programs.run_repairs"), environment=os.environ | settings
    ) as (process,):
        return int(process.wait())


def deliver_all_repairs() -> None:
    """Carry out all repairs. Raises SystemExit if that fails."""
    if deliver_repairs():
        raise SystemExit("the process that carries out repairs failed")


def repair_until_killed(failpoint: str) -> bool:
    """Carry out repairs in a process that kills itself at a failpoint; return whether it came
    there.
    """
    return deliver_repairs(HUB_FAILPOINTS=failpoint) < 0


def execute_until_killed(failpoint: str) -> bool:
    """Execute runs in a process that kills itself at a failpoint; return whether it came there."""
    with start_runner(HUB_FAILPOINTS=failpoint) as (process,):
        process.communicate()
    RUN_LEASES.end(b"", now=clock())  # of all holders
    return process.returncode < 0


def count_pages(run: Run) -> int:
    """Return how many pages of the run are stored."""
    run.refresh_from_db(fields=["cursor"])
    return sum(read["pages"] for read in run.cursor.get("reads", {}).values())
