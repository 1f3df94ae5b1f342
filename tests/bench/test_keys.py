"""`manage.py bench` needs nothing that was set up before, and no other command does without."""

import os
import subprocess

import pytest

from bench.installation.processes import MANAGE


@pytest.fixture
def fresh_clone():
    """What `manage.py` says where no key is set."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}

    def said(*command):
        return subprocess.run(
            [*MANAGE, *command],
            env=bare | {"HUB_ENV_FILE": os.devnull},
            capture_output=True,
            text=True,
        ).stderr

    return said


def test_a_bench_makes_its_own_keys(fresh_clone):
    assert "choose from drain" in fresh_clone("bench", "outgoing", "--only", "nothing")


def test_other_commands_ask_for_keys(fresh_clone):
    assert "HUB_SECRET_KEY is not set" in fresh_clone("check")
