"""What the worker and its pool tell each other."""

import os

import pytest

from hub import lifeline


@pytest.fixture
def ends(monkeypatch):
    ends = lifeline.tie()
    monkeypatch.setenv(lifeline.NAME, ends.name)
    yield ends
    ends.close()


def test_a_sign_is_heard_once(ends):
    assert not ends.signs()
    lifeline.sign()
    lifeline.sign()
    assert ends.signs()
    assert not ends.signs()


def test_the_pool_stops_when_it_is_let_go_and_its_signs_are_still_heard(ends):
    assert not lifeline.stopping()
    ends.let_go()
    assert lifeline.stopping()
    lifeline.wait()
    lifeline.sign()
    assert ends.signs()


def test_a_worker_that_is_gone_makes_no_sign_fail(ends):
    ends.close()
    os.close(ends.theirs[0])
    lifeline.sign()


def test_a_pipe_that_is_full_makes_nobody_wait(ends):
    for _ in range(100_000):
        lifeline.sign()
    assert ends.signs()


def test_a_process_without_a_worker_has_no_lifeline(monkeypatch):
    monkeypatch.delenv(lifeline.NAME, raising=False)
    lifeline.sign()
    assert not lifeline.stopping()
