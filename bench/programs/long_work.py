"""Tasks that occupy long slots, computing or waiting; and the program that sends their wake-ups:
`python -m bench.programs.long_work compute:1 wait:1`.
"""

import sys
import time

import django

BUSY_SECONDS = 50.0  # a task ends itself by 60 s
REPORT_EVERY = 1.0  # seconds


def compute(name: str) -> None:
    """Compute, without a pause."""
    _occupy_slot(name, is_computing=True)


def wait(name: str) -> None:
    """Wait, as for an external system."""
    _occupy_slot(name, is_computing=False)


def _occupy_slot(name: str, *, is_computing: bool) -> None:
    acknowledge_wake_up(name)
    end = time.monotonic() + BUSY_SECONDS
    while time.monotonic() < end and not is_stop_requested():
        report_progress()
        pause_end = time.monotonic() + REPORT_EVERY
        while is_computing and time.monotonic() < pause_end:
            sum(number * number for number in range(1000))
        time.sleep(max(0.0, pause_end - time.monotonic()))


if __name__ == "__main__":
    django.setup()

from hub.db.clock import clock  # noqa: E402  (Django is ready by now)
from hub.processes.pool_pipe import is_stop_requested  # noqa: E402
from hub.queue import acknowledge_wake_up, report_progress, wake_up  # noqa: E402

if __name__ == "__main__":
    for name in sys.argv[1:]:
        wake_up(name, now=clock())
