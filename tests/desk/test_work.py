"""`manage.py work` as it stands up: replaced where it is deaf, stopped in peace, and nothing left behind."""

import signal
import subprocess

import pytest

from bench import ground
from bench.faults import victims
from bench.processes import MANAGE, until
from tests.desk.standing import Ground, seconds_to_stop

pytestmark = [pytest.mark.desk, pytest.mark.timeout(180)]


def standing(context):
    with context() as environment:
        there = Ground(environment)
        yield there
        there.end()


@pytest.fixture
def place():
    yield from standing(ground.on_sqlite)


@pytest.fixture
def shared_place():
    yield from standing(ground.on_postgresql)


def test_a_deaf_pool_is_replaced_though_another_hears_every_bell(shared_place):
    deaf, other = shared_place.work(), shared_place.work()
    shared_place.all_are_heard()
    before, others = victims.pool_of(deaf.pid), victims.pool_of(other.pid)
    victims.kill(*victims.members_of(deaf.pid))
    until(lambda: victims.pool_of(deaf.pid) not in (before, None), within=60, what="another pool")
    assert victims.pool_of(other.pid) == others
    until(lambda: victims.is_empty(before), within=10, what="the end of the deaf one")


def test_a_deaf_pool_that_is_told_to_stop_stops_soon(place):
    worker = place.work()
    place.all_are_heard()
    pool = victims.pool_of(worker.pid)
    victims.kill(*victims.members_of(worker.pid))
    assert seconds_to_stop(worker, signal.SIGTERM) < 15
    assert victims.is_empty(pool)


def test_a_member_that_is_killed_at_its_work_is_replaced_and_its_work_done(place):
    place.seed("slow-3000", count=4)
    worker = place.work()
    until(lambda: place.sink.count() == 4, within=60, what="four calls")
    pool, members = victims.pool_of(worker.pid), victims.members_of(worker.pid)
    (pump,) = victims.pumps_of(worker.pid, place.port)
    victims.kill(pump)
    until(lambda: place.states() == "{'delivered': 4}", within=60, every=0.5, what="all four, again")
    assert victims.pool_of(worker.pid) == pool
    assert len(victims.members_of(worker.pid)) == len(members)
    assert seconds_to_stop(worker, signal.SIGTERM) < 15


def test_a_stop_waits_for_the_answers_that_are_on_their_way(place):
    place.seed("slow-6000", count=8)
    worker = place.work()
    until(lambda: place.sink.count() == 8, within=60, what="eight calls")
    pool = victims.pool_of(worker.pid)
    assert seconds_to_stop(worker, signal.SIGTERM) < 25
    assert (worker.returncode, place.states(), place.sink.count()) == (0, "{'delivered': 8}", 8)
    assert victims.is_empty(pool)


def test_a_second_signal_hastens_the_stop(place):
    place.seed("hang", count=4)
    worker = place.work()
    until(lambda: place.sink.count() == 4, within=60, what="four calls")
    pool = victims.pool_of(worker.pid)
    assert seconds_to_stop(worker, signal.SIGTERM, signal.SIGTERM) < 5
    assert victims.is_empty(pool)


def test_a_pool_that_lost_both_its_worker_and_its_first_process_ends_by_itself(place):
    worker = place.work()
    place.all_are_heard()
    pool = victims.pool_of(worker.pid)
    victims.kill(worker.pid, pool)
    assert not victims.is_empty(pool)
    until(lambda: victims.is_empty(pool), within=40, what="the end of its orphans")


def test_a_pool_is_started_by_its_worker_only(place):
    alone = subprocess.run([*MANAGE, "pool"], env=place.environment, capture_output=True, text=True)
    assert (alone.returncode, "is for `manage.py work` itself" in alone.stderr) == (1, True)
