"""Whether another process of this machine still runs, and when a worker is surely dead."""

import os
import signal
import subprocess
import sys
import uuid

import pytest

from hub.processes.local_processes import (
    current_pid_namespace,
    is_group_running,
    is_process_running,
)
from hub.processes.worker_registry import Worker

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
LEAVE_ONE_BEHIND = f"import os, subprocess; print(subprocess.Popen({SLEEP!r}, stdout=2).pid)"


@pytest.fixture
def process():
    started = subprocess.Popen(SLEEP, start_new_session=True)
    yield started
    started.kill()
    started.wait()


def test_a_process_runs_until_it_ends(process):
    assert is_process_running(process.pid) and is_group_running(process.pid)
    process.kill()
    process.wait()
    assert not is_process_running(process.pid) and not is_group_running(process.pid)


def test_a_zombie_process_has_ended(process):
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not is_process_running(process.pid) and not is_group_running(process.pid)


def test_a_group_runs_until_its_last_process_ends():
    leader = subprocess.Popen(
        [sys.executable, "-c", LEAVE_ONE_BEHIND], start_new_session=True, stdout=subprocess.PIPE
    )
    left_behind = int(leader.communicate()[0])
    assert not is_process_running(leader.pid) and is_group_running(leader.pid)
    os.kill(left_behind, signal.SIGKILL)


def worker(**values):
    pid = values.pop("pid")
    known = {"pid_namespace": current_pid_namespace(), "pool": pid}
    return Worker(id=uuid.uuid4(), host="here", pid=pid, **(known | values))


def test_a_worker_is_surely_dead_when_it_and_its_pool_have_ended(process):
    assert not worker(pid=process.pid).has_surely_ended()
    process.kill()
    process.wait()
    assert worker(pid=process.pid).has_surely_ended()


@pytest.mark.parametrize(
    "unknown",
    [
        {"pool": None},
        {"pool": os.getpgid(0)},
        {"pid_namespace": ""},
        {"pid_namespace": "another"},
    ],
)
def test_what_cannot_be_seen_is_not_dead(process, unknown):
    process.kill()
    process.wait()
    assert not worker(pid=process.pid, **unknown).has_surely_ended()
