"""What the worker and its pool tell each other."""

import os

import pytest

from hub.processes import pool_pipe


@pytest.fixture
def ends(monkeypatch):
    ends = pool_pipe.open_pipe()
    monkeypatch.setenv(pool_pipe.DESCRIPTORS_ENV, ends.name)
    yield ends
    ends.close()


def test_a_sign_is_heard_once(ends):
    assert not ends.read_heartbeat()
    pool_pipe.send_heartbeat()
    pool_pipe.send_heartbeat()
    assert ends.read_heartbeat()
    assert not ends.read_heartbeat()


def test_the_pool_stops_when_it_is_let_go_and_its_signs_are_still_heard(ends):
    assert not pool_pipe.is_stop_requested()
    ends.request_stop()
    assert pool_pipe.is_stop_requested()
    pool_pipe.wait_for_close()
    pool_pipe.send_heartbeat()
    assert ends.read_heartbeat()


def test_a_worker_that_is_gone_makes_no_sign_fail(ends):
    ends.close()
    os.close(ends.pool_descriptors[0])
    with pytest.raises(BrokenPipeError):
        os.write(ends.pool_descriptors[1], b".")
    pool_pipe.send_heartbeat()


def test_a_full_pipe_blocks_no_process(ends):
    for _ in range(100_000):
        pool_pipe.send_heartbeat()
    assert ends.read_heartbeat()


def test_a_process_without_a_worker_has_no_lifeline(monkeypatch):
    monkeypatch.delenv(pool_pipe.DESCRIPTORS_ENV, raising=False)
    pool_pipe.send_heartbeat()
    assert not pool_pipe.is_stop_requested()
