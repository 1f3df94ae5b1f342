"""A process that is started again whenever it ends, as systemd would; it may be told to stop,
too.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Self

from bench.installation.processes import Process, signal_group, spawn

AGAIN_AFTER = 0.5  # seconds
STOP_WITHIN = 40.0  # seconds


class SupervisedProcess:
    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.command, self.environment = command, environment
        self.process: Process | None = None
        self.ended = threading.Event()
        self.over = False
        self.groups: set[int] = set()  # of all that ran

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self.keep, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.over = True
        self.stop()
        self.thread.join(STOP_WITHIN)

    def keep(self) -> None:
        while not self.over:
            process = spawn(
                self.command, self.environment, stdout=sys.stderr, stdin=subprocess.DEVNULL
            )
            self.groups.add(process.pid)
            self.process = process
            process.wait()
            signal_group(process, signal.SIGKILL)
            if not self.over:
                time.sleep(AGAIN_AFTER)

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    def stop(self) -> float:
        """In peace; how many seconds it took. It is started again at once, unless all is over."""
        process, started = self.process, time.monotonic()
        if process is None:
            return 0.0
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_WITHIN)
        signal_group(process, signal.SIGKILL)
        return time.monotonic() - started
