"""The virtual environment and the environment variables of the local installation and the tests."""

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit(
        f"The hub needs Python 3.11 or later, and {sys.executable} is {sys.version.split()[0]}."
    )

ROOT = Path(__file__).resolve().parent.parent
VENV = Path(os.environ.get("HUB_VENV") or ROOT / ".venv").absolute()
PYTHON = VENV / "bin" / "python"

# Variables of other projects, and those that change how Python, Django or pytest work.
FOREIGN_PREFIXES = (
    "PYTHON",
    "__PYVENV",
    "DJANGO_",
    "GRANIAN_",
    "PYTEST_",
    "HYPOTHESIS_",
    "MYPY",
    "RUFF_",
    "DATABASE_URL",
    "PG",
)
PIP_DESTINATIONS = (
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_PYTHON",
    "PIP_DRY_RUN",
)
UNFINISHED = "unfinished"
Run = Callable[[list[str], dict[str, str]], object]  # of a command in an environment


def clean_environment(*foreign: str, **more: str) -> dict[str, str]:
    """Return the variables of the shell without those of other projects, and with `more`."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith((*FOREIGN_PREFIXES, *foreign))
    }
    path = f"{VENV / 'bin'}{os.pathsep}{inherited.get('PATH', os.defpath)}"
    return (
        inherited
        | {"VIRTUAL_ENV": str(VENV), "PATH": path, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
        | more
    )


def install(requirements: str, *, run: Run) -> bool:
    """Install the requirements into .venv; return whether there was something to do.

    `run` runs a command, and raises where it fails.
    """
    if PYTHON.exists() and read_stamp(requirements) == fingerprint(requirements):
        return False
    environment = {
        name: value for name, value in clean_environment().items() if name not in PIP_DESTINATIONS
    }
    environment["PIP_USER"] = "0"
    afresh = ["--clear"] if read_stamp(requirements) == UNFINISHED else []
    run([sys.executable, "-m", "venv", *afresh, str(VENV)], environment)
    covered = {"requirements.txt", requirements}
    for name in covered:
        stamp_path(name).write_text(UNFINISHED)
    pip = [
        str(PYTHON),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
    ]
    run([*pip, *install_arguments(requirements)], environment)
    for name in covered:
        stamp_path(name).write_text(fingerprint(name))
    return True


def install_arguments(requirements: str) -> list[str]:
    """Return pip's arguments: the lock file with hashes, where there is one.

    The lock names all that is installed. Without --no-deps pip looks anew for a dependency that
    has extras, takes its latest version, and refuses that for having no hash.
    """
    lock = lock_path(requirements)
    if lock.exists():
        return ["--no-deps", "--require-hashes", "-r", str(lock)]
    return ["-r", str(ROOT / requirements)]


def lock_path(requirements: str) -> Path:
    return (ROOT / requirements).with_suffix(".lock")


def fingerprint(requirements: str) -> str:
    """Return a digest of the requirements, the Python behind .venv, and the path of .venv."""
    files = sorted({ROOT / "requirements.txt", ROOT / requirements})
    files += [
        lock for lock in map(lock_path, sorted({"requirements.txt", requirements})) if lock.exists()
    ]
    content = [f"{PYTHON.resolve()} {VENV}".encode(), *(file.read_bytes() for file in files)]
    return hashlib.sha256(b"\0".join(content)).hexdigest()


def read_stamp(requirements: str) -> str | None:
    return stamp_path(requirements).read_text() if stamp_path(requirements).exists() else None


def stamp_path(requirements: str) -> Path:
    return VENV / f"hub-{requirements}.sha256"
