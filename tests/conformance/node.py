"""The providers' clients for Node: installed once into a cache outside the repository, and run."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LOCK_FILES = (HERE / "package.json", HERE / "package-lock.json")
OLDEST = 20  # the major version of Node that the clients need
UNREACHABLE = ("ENOTFOUND", "ECONNREFUSED", "EAI_AGAIN", "ETIMEDOUT", "ENETUNREACH")


def cache_folder():
    """One for each state of the lock files."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "integration-hub"
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in LOCK_FILES)).hexdigest()
    return root / f"node-{digest[:16]}"


def missing_node():
    """Why the clients cannot run here; empty where they can."""
    if not shutil.which("node") or not shutil.which("npm"):
        return "node and npm are not installed"
    version = subprocess.run(
        ["node", "--version"], capture_output=True, text=True, check=True
    ).stdout
    if int(version.lstrip("v").partition(".")[0]) < OLDEST:
        return f"node is {version.strip()}, and the clients need {OLDEST} or newer"
    return ""


def install():
    """The folder with node_modules; skips the test where there is no Node, or no registry."""
    if reason := missing_node():
        pytest.skip(reason)
    folder = cache_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            install_into(folder)
    return folder / "node_modules"


def install_into(folder):
    """Appears whole or not at all: a cut install is begun anew."""
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    for path in LOCK_FILES:
        shutil.copy(path, unfinished)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=unfinished, capture_output=True, text=True, timeout=220)
    if any(word in done.stderr for word in UNREACHABLE):
        pytest.skip("the npm registry cannot be reached")
    assert done.returncode == 0, done.stderr
    unfinished.rename(folder)


class Cases:
    """The cases of one file, in one process."""

    def __init__(self, process):
        self._process = process

    def assert_passes(self, name, **fields):
        """Run the case by this name, and assert that it did not fail."""
        self._process.stdin.write(json.dumps({"name": name, **fields}) + "\n")
        self._process.stdin.flush()
        printed = []
        for line in self._process.stdout:
            if line.startswith("RESULT "):
                failure = json.loads(line.removeprefix("RESULT "))["failure"]
                assert failure is None, failure
                return
            printed.append(line)
        raise AssertionError("node ended: " + "".join(printed))


@contextmanager
def cases_of(file):
    environment = {"NODE_PATH": str(install()), "PATH": os.environ["PATH"]}
    command = ["node", str(HERE / "run.js"), file]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, env=environment, text=True, **pipes) as process:
        try:
            yield Cases(process)
        finally:
            process.kill()
