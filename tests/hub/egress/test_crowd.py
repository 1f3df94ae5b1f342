"""A pump whose every socket is at a hostile endpoint, by the hub's own deadline."""

import json
import subprocess
import sys

import pytest

from connectors.http import DEFAULT_RESPONSE_BYTES_MAX
from hub.egress.async_client import TIMEOUT
from tests.hub.egress.test_fourteen import FOURTEEN

SHORT = 2.0  # seconds, in the place of the deadline, where what counts is what comes at once


def run_crowd(timeout, *modes):
    command = [sys.executable, "-m", "tests.hub.egress.crowd", str(timeout), *modes]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


@pytest.mark.desk
def test_every_socket_at_one_of_the_fourteen_takes_21_seconds_64_kibibytes_and_10_mebibytes():
    measured = run_crowd(TIMEOUT, *FOURTEEN)
    assert measured["seconds"] <= 21
    assert measured["kept"] <= DEFAULT_RESPONSE_BYTES_MAX == 64 * 1024
    assert measured["megabytes"] <= 10


@pytest.mark.desk
@pytest.mark.parametrize("mode", ["huge-header", "many-headers", "endless", "deaf"])
def test_every_socket_at_the_same_flood_takes_10_mebibytes(mode):
    assert run_crowd(SHORT, mode)["megabytes"] <= 10
