"""Processes that end with whoever started them, in whatever way that ends."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MANAGE = (sys.executable, str(ROOT / "manage.py"))
GRACE = 30.0  # seconds
SET_PDEATHSIG, SET_CHILD_SUBREAPER = 1, 36  # prctl(2)
LIBC = ctypes.CDLL(None)


def python_command(module, *arguments):
    return [sys.executable, "-m", module, *map(str, arguments)]


def spawn(command, environment=None, **options):
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
def running(*commands, environment=None, **options):
    """The processes of these commands, until the end of the block."""
    processes = []
    try:
        for command in commands:
            processes.append(spawn(command, environment, **options))
        yield processes
    finally:
        stop(processes)


def stop(processes):
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
def end_strays():
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


def signal_group(process, number):
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


@contextlib.contextmanager
def start_together(*commands):
    """Processes that say a line when they are ready; all of them begin when the last one is."""
    with running(*commands, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as processes:
        for process in processes:
            if not process.stdout.readline():
                raise SystemExit(f"{process.args} ended before it was ready")
        for process in processes:
            process.stdin.write(b"go\n")
            process.stdin.flush()
        yield processes


def wait_for_go():
    """The other end of `in_step`."""
    print("ready", flush=True)
    sys.stdin.readline()


def wait_until(condition, *, within, every=0.05, what):
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {within:.0f} s")
        time.sleep(every)


def resident_megabytes(processes):
    """Together; what they share counts for each."""
    pages = sum(pages_of(pid) for pid in processes)
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def pages_of(pid):
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return 0


def descendants(pid):
    """A process and all that came of it."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                yield from descendants(int(child))
