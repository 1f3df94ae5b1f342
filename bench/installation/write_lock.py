"""Tell which process holds SQLite's write lock for long, and what its threads wait for (Linux)."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from django.db import connection as database

LOCKS = Path("/proc/locks")
WRITE_LOCK_BYTE = "120"  # of the file -shm (UNIX_SHM_BASE in os_unix.c of SQLite, 2026-12-01)
LONG, EVERY = 3.0, 0.1  # seconds


class WriteLockWatch:
    """Looks at one database; whoever has the lock at each look counts as having kept it."""

    def __init__(self, file: Path) -> None:
        self.index = file.with_name(f"{file.name}-shm")
        self.holder: int | None = None
        self.since = self.told_at = 0.0

    def look(self, now: float) -> str:
        """Return a description of a holder that has kept the lock for long; "" if there is none."""
        holder = find_holder(self.index)
        if holder is None or holder != self.holder:
            self.holder, self.since, self.told_at = holder, now, now
            return ""
        if now < self.told_at + LONG:
            return ""
        self.told_at = now
        return f"the write lock is held for {now - self.since:.1f} s: {describe_process(holder)}"


def find_holder(index: Path) -> int | None:
    """Return the process that has SQLite's write lock, None if no process of this machine has."""
    with contextlib.suppress(OSError):
        inode = str(index.stat().st_ino)
        for line in LOCKS.read_text().splitlines():
            fields = line.split()
            if "->" in fields:
                continue  # it waits for the lock
            _, _, _, kind, pid, file, first, last = fields
            if kind == "WRITE" and file.rpartition(":")[2] == inode and first == WRITE_LOCK_BYTE:
                return int(pid)
    return None


def describe_process(pid: int) -> str:
    """Return its command, and for each thread its name, state and what it waits for."""
    folder, threads = Path(f"/proc/{pid}"), []
    with contextlib.suppress(OSError):
        command = (folder / "cmdline").read_text().replace("\0", " ").strip()
        for task in sorted((folder / "task").iterdir()):
            name, _, rest = (task / "stat").read_text().partition("(")[2].rpartition(")")
            wait, call = ((task / file).read_text().split() for file in ("wchan", "syscall"))
            threads.append(f"{name} {rest.split()[0]} {wait} {call[:2]}")
        return f"{pid} {command}; {'; '.join(threads)}"
    return f"{pid}, which has ended"


@contextlib.contextmanager
def long_holds_told() -> Iterator[None]:
    """Print who holds the lock of our database for long, until the end of the block."""
    if database.vendor != "sqlite":
        yield
        return
    watch, over = WriteLockWatch(Path(database.settings_dict["NAME"])), threading.Event()

    def look_again_and_again() -> None:
        while not over.wait(EVERY):
            if text := watch.look(time.monotonic()):
                print(text, file=sys.stderr)

    thread = threading.Thread(target=look_again_and_again, daemon=True, name="write lock")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
