"""Keep processes running, and leave none behind: neither after Ctrl-C, nor after a kill -9 of
anybody.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE = 25  # seconds
BACK_OFF = (0.2, 1, 2, 5, 10)  # seconds before each start in a row that did not last
LASTED = 30  # seconds
LOG_BYTES = 10_000_000

SET_PDEATHSIG, SET_CHILD_SUBREAPER = 1, 36  # prctl(2)
libc = ctypes.CDLL(None) if sys.platform == "linux" else None
Process = subprocess.Popen[bytes]


class Stopped(Exception):
    """Somebody asked the desk to stop."""


class Failed(Exception):
    """A command of the preparation ended with an error."""


class Ears:
    """Hears the signals, and raises only where somebody waits: so no process is ever started and
    forgotten.
    """

    def __init__(self) -> None:
        self.heard = False
        for number in (
            ENDINGS
        ):  # a start in the background has SIGINT ignored; nohup ignores SIGHUP, and means it
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self.hear)

    def hear(self, number: int, frame: FrameType | None) -> None:
        self.heard = True

    def pause(self, seconds: float = 0.05) -> None:
        if self.heard:
            raise Stopped
        time.sleep(seconds)


class Child:
    """One long-lived process, in a session of its own, started again whenever and however it
    ends.
    """

    def __init__(
        self, name: str, command: str, *, environment: Mapping[str, str], log: Path
    ) -> None:
        self.name, self.command, self.environment, self.log = name, command, environment, log
        self.process: Process | None = None
        self.code: int | None = None
        self.deaths = 0  # in a row
        self.due_at = 0.0

    def start(self) -> None:
        rotate(self.log)
        self.process = spawn(["sh", "-c", f"exec {self.command}"], self.environment, self.log)
        self.started_at = time.monotonic()

    def is_due(self) -> bool:
        return self.process is None and time.monotonic() >= self.due_at

    def has_ended(self) -> bool:
        """True once for each end; the rest of its group ends with it."""
        if self.process is None or self.process.poll() is None:
            return False
        signal_group(self.process, signal.SIGKILL)
        lasted = time.monotonic() - self.started_at > LASTED
        self.deaths = 1 if lasted else self.deaths + 1
        self.due_at = time.monotonic() + BACK_OFF[min(self.deaths, len(BACK_OFF)) - 1]
        self.code = self.process.returncode
        self.process = None
        return True


def run(command: Sequence[str], environment: Mapping[str, str], *, log: Path, ears: Ears) -> None:
    """One command of the preparation, to its end."""
    process = spawn(command, environment, log)
    try:
        while process.poll() is None:
            ears.pause()
    except Stopped:
        signal_group(process, signal.SIGINT)  # so that pip and migrate put back what is half done
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        raise
    if process.returncode:
        raise Failed(" ".join(command))


def spawn(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Process:
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=tethered_to(os.getpid()),
        )


def tethered_to(parent: int) -> Callable[[], None]:
    """Run in the child: asks Linux for a SIGTERM when its parent dies, in whatever way."""

    def tether() -> None:
        if libc:
            libc.prctl(SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

    return tether


def adopt_orphans() -> None:
    """What our children leave behind becomes ours (Linux), so that we can end it."""
    if libc:
        libc.prctl(SET_CHILD_SUBREAPER, 1)


def stop(children: Iterable[Child], *, grace: float = GRACE) -> None:
    """Ask the children politely, insist after a while, and let nothing survive."""
    running = [child.process for child in children if child.process]
    for process in running:
        signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while any(process.poll() is None for process in running) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in running:
        signal_group(process, signal.SIGKILL)
        process.wait()
    for child in children:
        child.process = None


def sweep(keep: Iterable[int] = ()) -> None:
    """End every descendant that belongs to no child of ours (Linux)."""
    kept_pids = set(keep)
    while strays := [pid for pid in offspring(os.getpid()) if pid not in kept_pids]:
        for pid in strays:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in strays:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def offspring(parent: int) -> Iterator[int]:
    """The direct children of a process."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
            if int(fields[1]) == parent:
                yield int(stat.parent.name)


def signal_group(process: Process, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_name(log.name + ".1"))
