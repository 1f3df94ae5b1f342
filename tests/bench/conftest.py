"""`manage.py bench` as a process of its own."""

import json
import os
import subprocess

import pytest

from bench.installation.processes import MANAGE

WITHIN = 500  # seconds, beside other tests


@pytest.fixture
def bench_alone():
    """Starts `manage.py bench` with these arguments; it starts its own PostgreSQL."""
    yield from starting({})


@pytest.fixture
def bench(postgresql_server):
    """The same, with a database on the server that these tests share."""
    yield from starting({"DATABASE_URL": postgresql_server})


def starting(more):
    started = []

    def start(*arguments):
        calm = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        command = [*MANAGE, "bench", *arguments]
        started.append(
            subprocess.Popen(
                command, env=calm | more, stdout=subprocess.PIPE, text=True, start_new_session=True
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def told_by(process):
    """The figures, by name."""
    told, _ = process.communicate(timeout=WITHIN)
    assert process.returncode == 0
    return {figure["name"]: figure for figure in map(json.loads, told.splitlines())}
