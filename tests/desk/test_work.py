"""`manage.py work` as it stands up: replaced where it is deaf, stopped in peace, and nothing left
behind. Within a few seconds: test_work_in_time.py.
"""

import signal

import pytest

from bench.installation import process_groups
from bench.installation.processes import wait_until
from tests.desk.worker_processes import seconds_to_stop

# A row as whoever can write to the database may plant it, of the id and the name of a task that
# fails.
PLANT = """
import django; django.setup()
import os
from django.utils import timezone
from django_q.models import OrmQ, Task
from django_q.signing import SignedPackage
from picklefield.fields import PickledObject, dbsafe_encode
class Planted:
    def __reduce__(self):
        return os.mkdir, ({trace!r},)
known = dict(id="canary", name="canary", func="hub.nothing", args=("canary",), kwargs={{}})
result = PickledObject(dbsafe_encode(Planted(), copy=False))
now = timezone.now()
Task.objects.create(**known, result=result, started=now, stopped=now, success=False)
task = SignedPackage.dumps(known | dict(started=timezone.now(), ack_failure=True))
OrmQ.objects.create(key="quick", payload=task, lock=timezone.now())
"""
QUEUED = "SELECT count(*) FROM django_q_ormq"
READ = """
import django; django.setup()
from django_q.models import Task
Task.objects.get(id="canary", name="canary")
"""

pytestmark = [pytest.mark.desk, pytest.mark.timeout(180)]


def test_a_deaf_pool_is_replaced_though_another_hears_every_bell(shared_place):
    deaf, other = shared_place.work(), shared_place.work()
    shared_place.all_are_heard()
    before, others = process_groups.pool_of(deaf.pid), process_groups.pool_of(other.pid)
    shared_place.freeze([before])
    wait_until(
        lambda: process_groups.pool_of(deaf.pid) not in (before, None),
        within=60,
        what="another pool",
    )
    assert process_groups.pool_of(other.pid) == others
    wait_until(lambda: process_groups.is_empty(before), within=10, what="the end of the deaf one")


def test_a_member_that_gives_no_sign_of_life_is_replaced_by_its_pool(place):
    worker = place.work()
    place.all_are_heard()
    pool, stopped = process_groups.pool_of(worker.pid), process_groups.members_of(worker.pid)
    place.freeze(stopped)
    wait_until(
        lambda: len(set(process_groups.members_of(worker.pid)) - set(stopped)) >= len(stopped),
        within=60,
        what="another member for each",
    )
    assert process_groups.pool_of(worker.pid) == pool
    place.all_are_heard()


def test_a_pool_whose_members_were_killed_stops_soon(place):
    worker = place.work()
    place.all_are_heard()
    pool = process_groups.pool_of(worker.pid)
    process_groups.kill(*process_groups.members_of(worker.pid))
    assert seconds_to_stop(worker, signal.SIGTERM) < 15
    assert process_groups.is_empty(pool)


def test_a_member_that_is_killed_at_its_work_is_replaced_and_its_work_done(place):
    place.seed("slow-3000", count=4)
    worker = place.work()
    wait_until(lambda: place.sink.count() == 4, within=60, what="four calls")
    pool, members = process_groups.pool_of(worker.pid), process_groups.members_of(worker.pid)
    (pump,) = process_groups.pumps_of(worker.pid, place.port)
    others = set(members) - {pump}
    process_groups.kill(pump)
    wait_until(
        lambda: place.states() == {"delivered": 4}, within=60, every=0.2, what="all four, again"
    )
    assert process_groups.pool_of(worker.pid) == pool
    assert others < set(process_groups.members_of(worker.pid))  # and another one in its place
    assert seconds_to_stop(worker, signal.SIGTERM) < 15


def test_nothing_reads_the_pickles_of_the_table_of_results(place, tmp_path):
    trace = tmp_path / "executed"
    place.run(PLANT.format(trace=str(trace)))
    place.work()
    place.all_are_heard()
    wait_until(lambda: place.ask(QUEUED) == [(0,)], within=20, what="the end of the planted task")
    assert not trace.exists()
    place.run(READ)
    assert trace.exists()  # so the row was there, and does harm where it is read


def test_a_stop_waits_for_the_answers_that_are_on_their_way(place):
    place.seed("slow-6000", count=8)
    worker = place.work()
    wait_until(lambda: place.sink.count() == 8, within=60, what="eight calls")
    pool = process_groups.pool_of(worker.pid)
    assert seconds_to_stop(worker, signal.SIGTERM) < 25
    assert (worker.returncode, place.states(), place.sink.count()) == (0, {"delivered": 8}, 8)
    assert process_groups.is_empty(pool)


def test_a_pool_that_lost_both_its_worker_and_its_first_process_ends_by_itself(place):
    worker = place.work()
    place.all_are_heard()
    pool = process_groups.pool_of(worker.pid)
    process_groups.kill(worker.pid, pool)
    assert not process_groups.is_empty(pool)
    wait_until(lambda: process_groups.is_empty(pool), within=40, what="the end of its orphans")
