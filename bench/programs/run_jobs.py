"""`python -m bench.programs.run_jobs`: execute runs by the product's own task until none is open;
print the growth of memory as one line of JSON.
"""

import json
import os
import threading
import time

import django

from bench.installation.processes import resident_megabytes

django.setup()

from hub.db.clock import clock  # noqa: E402  (Django is ready by now)
from hub.scheduled.models import Run  # noqa: E402
from hub.scheduled.tasks import process_runs  # noqa: E402
from hub.sweep import run_sweep  # noqa: E402

SAMPLE_EVERY = 0.05  # seconds


class MemoryWatch:
    """The largest resident memory of this process while it runs, in MB."""

    def __init__(self) -> None:
        self.first = self.largest = resident_megabytes([os.getpid()])
        threading.Thread(target=self._sample, daemon=True).start()

    def _sample(self) -> None:
        while True:
            self.largest = max(self.largest, resident_megabytes([os.getpid()]))
            time.sleep(SAMPLE_EVERY)


def main() -> None:
    run_sweep(now=clock())  # imports and connects
    watch, started = MemoryWatch(), time.process_time()
    while Run.unscoped.filter(state__in=("waiting", "running")).exists():
        process_runs("run")
    figures = {
        "megabytes": watch.largest - watch.first,
        "cpu_seconds": time.process_time() - started,
    }
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
