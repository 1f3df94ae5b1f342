"""Processes that end with whoever started them, in whatever way that ends."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
MANAGE = (sys.executable, str(ROOT / "manage.py"))
GRACE = 30.0  # seconds
SET_PDEATHSIG, SET_CHILD_SUBREAPER = 1, 36  # prctl(2)
LIBC = ctypes.CDLL(None)
Process = subprocess.Popen[bytes]


def python_command(module: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", module, *map(str, arguments)]


def spawn(
    command: Sequence[str], environment: Mapping[str, str] | None = None, **options: Any
) -> Process:
    """In a session of its own, so that Ctrl-C is ours alone; Linux tells it when we die."""
    return subprocess.Popen(
        command,
        env=environment or os.environ,
        cwd=ROOT,
        start_new_session=True,
        preexec_fn=lambda: hasattr(LIBC, "prctl") and LIBC.prctl(SET_PDEATHSIG, signal.SIGTERM),
        **options,
    )


@contextlib.contextmanager
def running(
    *commands: Sequence[str], environment: Mapping[str, str] | None = None, **options: Any
) -> Iterator[list[Process]]:
    """The processes of these commands, until the end of the block."""
    processes = []
    try:
        for command in commands:
            processes.append(spawn(command, environment, **options))
        yield processes
    finally:
        stop(processes)


def stop(processes: Sequence[Process]) -> None:
    """Ask, wait, insist; nothing of their groups survives."""
    for process in processes:
        signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        signal_group(process, signal.SIGKILL)
        process.wait()
        for pipe in filter(None, (process.stdin, process.stdout)):
            with contextlib.suppress(OSError):
                pipe.close()


@contextlib.contextmanager
def end_strays() -> Iterator[None]:
    """What our children leave behind becomes ours (Linux), and ends with the block."""
    if hasattr(LIBC, "prctl"):
        LIBC.prctl(SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        while strays := [pid for pid in descendants(os.getpid()) if pid != os.getpid()]:
            for pid in strays:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for pid in strays:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)


def signal_group(process: Process, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


@contextlib.contextmanager
def start_together(*commands: Sequence[str]) -> Iterator[list[Process]]:
    """Processes that say a line when they are ready; all of them begin when the last one is."""
    with running(*commands, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as processes:
        for process in processes:
            if not read_line(process):
                raise SystemExit(f"{process.args!r} ended before it was ready")
        for process in processes:
            assert process.stdin is not None, "it was started with a pipe"
            process.stdin.write(b"go\n")
            process.stdin.flush()
        yield processes


def read_line(process: Process) -> bytes:
    """Return the next line that a process says on its pipe; empty if it has ended."""
    assert process.stdout is not None, "it was started with a pipe"
    return process.stdout.readline()


def wait_for_go() -> None:
    """The other end of `start_together`."""
    print("ready", flush=True)
    sys.stdin.readline()


def wait_until(
    condition: Callable[[], object], *, within: float, every: float = 0.05, what: str
) -> None:
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {within:.0f} s")
        time.sleep(every)


def resident_megabytes(processes: Iterable[int]) -> float:
    """Together; what they share counts for each."""
    pages = sum(pages_of(pid) for pid in processes)
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def proportional_megabytes(processes: Iterable[int]) -> float:
    """Together; a page that several map counts once, shared out among them."""
    return sum(map(proportional_kilobytes, processes)) * 1024 / 1e6


def proportional_kilobytes(pid: int) -> int:
    """0 for a process that has ended meanwhile."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return 0


def pages_of(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return 0


def descendants(pid: int) -> Iterator[int]:
    """A process and all that came of it."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                yield from descendants(int(child))
