"""Keep processes running, and leave none behind, neither after Ctrl-C nor after a kill -9."""

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

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE = 25  # seconds
BACKOFF = (0.2, 1, 2, 5, 10)  # seconds before each start after an early end
STABLE_AFTER = 30  # seconds; an end before that is early
LOG_BYTES = 10_000_000

SET_PDEATHSIG, SET_CHILD_SUBREAPER = 1, 36  # prctl(2)
libc = ctypes.CDLL(None) if sys.platform == "linux" else None
Process = subprocess.Popen[bytes]


class Stopped(Exception):
    """The supervisor was asked to stop."""


class Failed(Exception):
    """A command of the preparation ended with an error."""


class StopSignal:
    """Receives the signals to stop, and raises Stopped only in `wait`.

    So no process is started without being recorded.
    """

    def __init__(self) -> None:
        self.is_received = False
        for number in STOP_SIGNALS:
            # a start in the background ignores SIGINT, too; nohup ignores SIGHUP on purpose
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self.receive)

    def receive(self, number: int, frame: FrameType | None) -> None:
        self.is_received = True

    def wait(self, seconds: float = 0.05) -> None:
        if self.is_received:
            raise Stopped
        time.sleep(seconds)


class Child:
    """A process in a session of its own, which is started again whenever it ends."""

    def __init__(
        self, name: str, command: str, *, environment: Mapping[str, str], log: Path
    ) -> None:
        self.name, self.command, self.environment, self.log = name, command, environment, log
        self.process: Process | None = None
        self.code: int | None = None
        self.failures = 0  # early ends in a row
        self.due_at = 0.0

    def start(self) -> None:
        rotate(self.log)
        self.process = spawn(["sh", "-c", f"exec {self.command}"], self.environment, self.log)
        self.started_at = time.monotonic()

    def is_due(self) -> bool:
        return self.process is None and time.monotonic() >= self.due_at

    def has_ended(self) -> bool:
        """Return True once for each end, and kill the rest of its process group."""
        if self.process is None or self.process.poll() is None:
            return False
        signal_group(self.process, signal.SIGKILL)
        was_stable = time.monotonic() - self.started_at > STABLE_AFTER
        self.failures = 1 if was_stable else self.failures + 1
        self.due_at = time.monotonic() + BACKOFF[min(self.failures, len(BACKOFF)) - 1]
        self.code = self.process.returncode
        self.process = None
        return True


def run(
    command: Sequence[str], environment: Mapping[str, str], *, log: Path, stop_signal: StopSignal
) -> None:
    """Run one command of the preparation to its end. Raises Failed, or Stopped."""
    process = spawn(command, environment, log)
    try:
        while process.poll() is None:
            stop_signal.wait()
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
            preexec_fn=stop_with_parent(os.getpid()),
        )


def stop_with_parent(parent: int) -> Callable[[], None]:
    """Return a function for the child, which asks Linux for a SIGTERM when the parent ends."""

    def request_signal() -> None:
        if libc:
            libc.prctl(SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

    return request_signal


def adopt_orphans() -> None:
    """Become the parent of processes that our children leave behind (Linux), to end them."""
    if libc:
        libc.prctl(SET_CHILD_SUBREAPER, 1)


def stop_children(children: Iterable[Child], *, grace: float = GRACE) -> list[Child]:
    """Send SIGTERM to the children, and SIGKILL to those that still run after `grace` seconds;
    return these.
    """
    running = [(child, child.process) for child in children if child.process]
    for _, process in running:
        signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while any(process.poll() is None for _, process in running) and time.monotonic() < deadline:
        time.sleep(0.05)
    killed = [child for child, process in running if process.poll() is None]
    for child, process in running:
        signal_group(process, signal.SIGKILL)
        process.wait()
        child.process = None
    return killed


def kill_orphans(keep: Iterable[int] = ()) -> None:
    """Kill the processes that were left behind, which belong to no child (Linux)."""
    kept_pids = set(keep)
    while orphans := [pid for pid in list_children(os.getpid()) if pid not in kept_pids]:
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in orphans:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def list_children(parent: int) -> Iterator[int]:
    """Return the process ids of the direct children."""
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
