"""A real PostgreSQL beside one command: `python -m tests.postgres pytest` sets DATABASE_URL for it.

TEST_DATABASE_URL names one that runs already; otherwise there is a fresh one, for as long as the
command runs.
"""

import contextlib
import os
import signal
import subprocess
import sys

from bench.installation.postgres import server


def main(command):
    given = os.environ.get("TEST_DATABASE_URL")
    if given and not given.startswith(("postgres://", "postgresql://")):
        raise SystemExit("TEST_DATABASE_URL is wrong: it names no PostgreSQL (postgresql://...)")
    with contextlib.nullcontext(given) if given else server() as url:
        return subprocess.call(command, env=os.environ | {"DATABASE_URL": url})


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(sys.argv[1:]))
