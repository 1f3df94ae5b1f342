"""Migrate an empty database of each kind, side by side, and keep the results as the copies from
which the databases of tests, benches and installations start: `python -m tests.first_migrations`.

DATABASE_URL names the one on SQLite; that on PostgreSQL is on a server of ours.
"""

import contextlib
import os
import subprocess
import sys

from bench.installation.migrated import copy_of, replacing, store
from bench.installation.postgres import server
from bench.installation.processes import MANAGE

MIGRATE = [*MANAGE, "migrate", "--no-input", "--verbosity=0"]


def main():
    with contextlib.ExitStack() as stack:
        urls = [os.environ["DATABASE_URL"]]
        if not os.environ.get("TEST_DATABASE_URL"):
            urls.append(stack.enter_context(server()))
        migrations = [
            subprocess.Popen(MIGRATE, env=os.environ | {"DATABASE_URL": url}) for url in urls
        ]
        codes = [migration.wait() for migration in migrations]
        if any(codes):
            sys.exit("A database could not be migrated.")
        for url in urls:
            with replacing(copy_of(url)) as beside:
                store(url, beside)


if __name__ == "__main__":
    main()
