"""What a killed process was sending goes again within seconds, and a stop is hastened. With nothing
beside it, as seconds are measured.
"""

import signal

import pytest

from bench.installation import process_groups
from bench.installation.processes import wait_until
from tests.desk.worker_processes import seconds_to_stop

FROM_ANOTHER_MACHINE = """
import django; django.setup()
from hub.processes.worker_registry import Worker
Worker.objects.update(pid_namespace="another machine")
"""

pytestmark = [pytest.mark.desk, pytest.mark.timeout(180)]


def test_what_a_killed_member_was_sending_goes_again_within_five_seconds(place):
    worker, (pump,) = begin_slow_calls(place)
    pool = process_groups.pool_of(worker.pid)
    process_groups.kill(pump)
    assert_sent_again(place, within=5)
    assert process_groups.pool_of(worker.pid) == pool


def test_what_a_killed_pool_was_sending_goes_again_within_five_seconds(place):
    worker, _ = begin_slow_calls(place)
    process_groups.kill_group(process_groups.pool_of(worker.pid))
    assert_sent_again(place, within=5)


def test_what_the_orphans_of_a_killed_first_process_were_sending_goes_again_within_five_seconds(
    place,
):
    worker, _ = begin_slow_calls(place)
    process_groups.kill(process_groups.pool_of(worker.pid))
    assert_sent_again(place, within=5)


# Without a word of its machine a lease lasts 8 to 12 seconds longer than its worker.
@pytest.mark.parametrize("machine, within", [("another", 15), ("the same", 7)])
def test_what_a_lost_worker_was_sending_goes_again(shared_place, machine, within):
    lost, _ = begin_slow_calls(shared_place)
    shared_place.work()
    shared_place.all_are_heard()
    if machine == "another":
        shared_place.run(FROM_ANOTHER_MACHINE)
    pool = process_groups.pool_of(lost.pid)
    process_groups.kill(lost.pid)
    process_groups.kill_group(pool)
    lost.wait()
    assert_sent_again(shared_place, within=within)


def assert_sent_again(place, *, within):
    """Assert that the four calls come once more within so many seconds."""
    wait_until(
        lambda: place.sink.count() >= 8, within=within, every=0.1, what="the same four calls again"
    )
    assert place.sink.count() == 8


def begin_slow_calls(place):
    """A worker that waits for the answers of four calls, and the process that sends them."""
    worker = place.work()  # which starts while the deliveries are made
    place.seed("slow-20000", count=4)
    wait_until(lambda: place.sink.count() == 4, within=60, what="four calls")
    return worker, process_groups.pumps_of(worker.pid, place.port)


def test_a_pool_goes_on_hearing_when_an_idle_member_is_killed(place):
    worker = place.work()
    place.all_are_heard()
    pool, members = process_groups.pool_of(worker.pid), process_groups.members_of(worker.pid)
    for member in members:
        process_groups.kill(member)
        place.seed("ok", count=1, lanes=1)
        wait_until(
            lambda: "waiting" not in place.states(), within=5, every=0.2, what="the delivery"
        )
    assert process_groups.pool_of(worker.pid) == pool
    replacements = set(process_groups.members_of(worker.pid)) - set(members)
    assert len(replacements) >= len(members)


def test_a_second_signal_hastens_the_stop(place):
    place.seed("hang", count=4)
    worker = place.work()
    wait_until(lambda: place.sink.count() == 4, within=60, what="four calls")
    pool = process_groups.pool_of(worker.pid)
    assert seconds_to_stop(worker, signal.SIGTERM, signal.SIGTERM) < 5
    assert process_groups.is_empty(pool)
