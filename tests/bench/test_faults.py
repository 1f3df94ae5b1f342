"""`manage.py bench faults` in its short form: three kills on each database, and every acknowledged event is there."""

import json
import os
import subprocess

import pytest

from bench.processes import MANAGE

pytestmark = [pytest.mark.desk, pytest.mark.timeout(400)]


@pytest.mark.parametrize(("database", "prefix"), [("sqlite", "faults_sqlite_"), ("postgresql", "faults_")])
def test_nothing_is_lost_or_sent_twice_without_a_cause(database, prefix):
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    command = [*MANAGE, "bench", "faults", "--quick", "--on", database]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    told = {figure["name"].removeprefix(prefix): figure for figure in map(json.loads, done.stdout.splitlines())}
    assert told["kills"]["value"] == 3
    assert told["acknowledged"]["value"] > 0
    for name in ("lost", "unexplained_sends", "stray_crashes", "not_delivered", "orphans"):
        assert told[name]["holds"], told[name]
