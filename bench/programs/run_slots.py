"""`python -m bench.programs.run_slots FILE`: create and execute runs by the time that the file
states, until it is deleted.
"""

import random
import sys
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django
from django.db import Error

django.setup()


from connectors.http import Request, Response  # noqa: E402
from hub.processes.db_thread import run_with_loop  # noqa: E402
from hub.processes.leases import new_lease  # noqa: E402
from hub.processes.loop_slots import acquire_slot, release_slot  # noqa: E402
from hub.scheduled.models import Run  # noqa: E402
from hub.scheduled.runs.context import EXECUTORS, RunContext  # noqa: E402
from hub.scheduled.runs.due_runs import RUN_PLANNER, create_due_runs  # noqa: E402
from hub.scheduled.runs.open_runs import skip_runs_past_window  # noqa: E402
from hub.scheduled.runs.run_loop import LoopDependencies, RunLoop  # noqa: E402

PAGES = 3  # of each run
WAIT = 0.05  # seconds between two looks


async def count_pages(context: RunContext) -> Mapping[str, Any]:
    """Execute a run: store a few pages, so that kills and jumps find it between two of them."""
    for page in range(context.run.cursor.get("page", 0), PAGES):
        await context.save({"page": page + 1}, done=page + 1)
    return {"pages": PAGES}


def start_at_once(runs: Collection[Run], *, now: datetime) -> None:
    """Leave new runs due at their slots."""


@asynccontextmanager
async def open_no_client() -> AsyncIterator[Any]:
    async def refuse(request: Request) -> Response:
        raise AssertionError(request)

    yield refuse


class SharedClock:
    """The time that a file states; the last one if it is just being replaced."""

    def __init__(self, path: Path) -> None:
        self.path, self.last = path, datetime.now(UTC)

    def __call__(self) -> datetime:
        with suppress(OSError, ValueError):
            self.last = datetime.fromisoformat(self.path.read_text())
        return self.last


def main(path: Path) -> None:
    EXECUTORS["report"] = count_pages
    RUN_PLANNER.connect(start_at_once)
    clock = SharedClock(path)
    while path.exists():
        try:
            create_due_runs(now=clock())
            skip_runs_past_window(now=clock())
            dependencies = build_dependencies(clock)
            acquire_slot("run", dependencies.lease, now=clock())
            run_with_loop(RunLoop(dependencies).run_to_end)
            release_slot(dependencies.lease)
        except Error:  # busy; the next turn continues
            time.sleep(WAIT)
        time.sleep(WAIT)


def build_dependencies(clock: SharedClock) -> LoopDependencies:
    return LoopDependencies(
        lease=new_lease(),
        clock=clock,
        random=random.random,
        open_client=open_no_client,
        stopping=lambda: False,
        request_another=lambda: None,
        idle_seconds=0.0,
        run_seconds=1.0,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
